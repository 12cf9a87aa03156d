// Where numbers come from, and ways to take them along.

import { useState } from "preact/hooks";
import { asCsv, asLatex, copy, download } from "./take.js";

/** What is missing, and the command that writes it. */
export function Missing({ text }) {
  return (
    <p class="missing" role="note">
      <b>Not here yet.</b> {text}
    </p>
  );
}

/** What can be taken: the rows shown, as CSV and as LaTeX. */
export function Take({ take, name }) {
  const [said, setSaid] = useState("");
  return (
    <span class="take">
      <button
        class="plain"
        onClick={async () => setSaid((await copy(asLatex(take()))) ? "copied" : "not allowed")}
      >
        Copy LaTeX
      </button>
      <button class="plain" onClick={() => download(`${name}.csv`, asCsv(take()))}>
        Download CSV
      </button>
      <span role="status">{said}</span>
    </span>
  );
}

/** A table's command and hash, its figure, and what can be taken. */
export function Source({ source, figure = "", take = null, name = "" }) {
  const all = Array.isArray(source) ? source : [source];
  return (
    <footer class="source">
      {take && <Take {...{ take, name }} />}
      {all.map((one, i) => (
        <span key={one.table} class="of">
          <a href={one.link}>{one.table}.csv</a>
          {figure && i === 0 && <a href={figure}>figure</a>}
          <span>{one.rows.toLocaleString("en")} {one.rows === 1 ? "row" : "rows"}</span>
          <code>{one.command}</code>
          <span title="first 16 digits of the SHA-256 of the table">
            sha256 <code>{one.sha256}</code>
          </span>
        </span>
      ))}
    </footer>
  );
}
