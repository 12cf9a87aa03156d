// Builds app.html: one file with empty slots, which python -m figures.page fills.

import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const options = { bundle: true, minify: true, write: false, charset: "utf8", logLevel: "warning" };
const [script, style] = await Promise.all([
  build({
    ...options,
    entryPoints: [here("src/main.jsx")],
    format: "iife",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
  }),
  build({ ...options, entryPoints: [here("src/style/page.css")], target: "chrome111" }),
]);
const [code, css] = [script, style].map((found) => found.outputFiles[0].text.trim());
const page = (await readFile(here("src/page.html"), "utf8"))
  .replace("/* style */", () => css)
  // A closing tag inside a string would end the element.
  .replace("/* script */", () => code.replaceAll("</script", "<\\/script"));
await writeFile(process.argv[2] ?? here("app.html"), page);
