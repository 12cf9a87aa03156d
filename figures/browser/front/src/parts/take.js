// Rows as CSV and as LaTeX, and the ways out of the browser.

/** @typedef {import("../data.js").Rows} Rows */

/** @param {Rows} table */
export function asCsv({ columns, rows }) {
  return [columns, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

function quoted(cell) {
  const text = cell === null || cell === undefined ? "" : String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const SPECIAL = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", $: "\\$", "÷": "$\\div$", "×": "$\\times$",
  "−": "$-$", "ρ": "$\\rho$", "≤": "$\\le$", "…": "\\dots{}",
};

/** @param {Rows} table a booktabs table */
export function asLatex({ columns, rows }) {
  const line = (row) => `${row.map(escaped).join(" & ")} \\\\`;
  const kinds = columns.map((_, i) => (rows.some((row) => typeof row[i] === "number") ? "r" : "l"));
  return [
    `\\begin{tabular}{${kinds.join("")}}`, "\\toprule", line(columns), "\\midrule",
    ...rows.map(line), "\\bottomrule", "\\end{tabular}",
  ].join("\n") + "\n";
}

function escaped(cell) {
  if (cell === null || cell === undefined) return "--";
  if (typeof cell === "number") {
    const text = String(Number.isInteger(cell) ? cell : Number(cell.toPrecision(3)));
    return text.startsWith("-") ? `$${text}$` : text;
  }
  return [...String(cell)].map((letter) => SPECIAL[letter] ?? letter).join("");
}

/** Whether text went to the clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function download(name, text) {
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob([text], { type: "text/csv" })),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
