// Tables that readers drop: cells as text, and as numbers where this page draws them.

import { Refused } from "../policy/tensors.js";
import { under } from "../under.js";

/** @typedef {{name: string, schema: string, columns: string[], rows: any[][]}} OwnTable */

const MOST_ROWS = 100_000;

/**
 * @param {string} name of the file
 * @param {string} text
 * @param {Record<string, Record<string, string>>} needs table -> column -> kind, of what is drawn
 * @returns {OwnTable}
 */
export function tableOf(name, text, needs) {
  const end = text.indexOf("\n");
  let made = null;
  try {
    made = text.startsWith("# ") ? JSON.parse(text.slice(2, end)) : null;
  } catch {
    // Said below.
  }
  if (!made?.schema) {
    throw new Refused("it is no table of this project: its first line is not “# {provenance}”");
  }
  const [columns, ...rows] = lines(text.slice(end + 1));
  if (!columns?.length || rows.some((row) => row.length !== columns.length)) {
    throw new Refused("its rows are cut short: not all of them have as many cells as there are columns");
  }
  const schema = String(made.schema);
  if (rows.length > MOST_ROWS) {
    const [found, most] = [rows.length, MOST_ROWS].map((count) => count.toLocaleString("en"));
    throw new Refused(`it has ${found} rows; this page draws at most ${most}`);
  }
  return { name, schema, columns, rows: checked(schema, columns, rows, under(needs, schema) ?? {}) };
}

/** Cells of the columns that are drawn as what they must be; others stay text. */
function checked(schema, columns, rows, needed) {
  const lacking = Object.keys(needed).filter((column) => !columns.includes(column));
  if (lacking.length) {
    throw new Refused(
      `it lacks the column “${lacking[0]}” that a table of “${schema}” has; write it again with this version`,
    );
  }
  const kinds = columns.map((column) => under(needed, column) ?? "text");
  return rows.map((row, i) => row.map((cell, k) => valueOf(cell, kinds[k], `row ${i + 1}, “${columns[k]}”`)));
}

function valueOf(cell, kind, where) {
  if (kind === "text") return cell;
  if (kind === "bool") return cell === "True";
  if (cell === "") return null;
  const value = Number(cell);
  if (!Number.isFinite(value)) throw new Refused(`${where}: it holds “${cell.slice(0, 40)}”, no number`);
  return value;
}

/** Comma-separated cells, quoted where they have to be. */
function lines(text) {
  const found = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "," || letter === "\n") {
      row.push(cell);
      cell = "";
      if (letter === "\n") {
        found.push(row);
        row = [];
      }
    } else if (letter !== "\r") cell += letter;
  }
  if (cell || row.length) found.push([...row, cell]);
  return found;
}
