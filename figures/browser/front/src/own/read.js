// What readers drop: policies, and tables of this project's commands. Nothing leaves the browser.

import { Refused, readTensors } from "../policy/tensors.js";
import { partsOf } from "../words.js";

const LARGEST = 200e6;

/**
 * @typedef {{id: string, game: string, method: string, own: boolean, bytes: Uint8Array,
 *   backgrounds: number[]}} OwnPolicy
 */
/** @typedef {{name: string, schema: string, columns: string[], rows: any[][]}} OwnTable */

/**
 * @param {File} file
 * @returns {Promise<{policy?: OwnPolicy, table?: OwnTable, refused?: string}>}
 */
export async function read(file) {
  try {
    if (file.size > LARGEST) throw new Refused(`it is larger than ${LARGEST / 1e6} MB`);
    if (file.name.endsWith(".csv")) return { table: tableOf(file.name, await file.text()) };
    if (/\.(pt|pth|bin|ckpt|pkl)$/.test(file.name)) {
      throw new Refused("pickled weights are not opened; rewrite them with python -m checkpoints.convert");
    }
    return { policy: policyOf(file.name, new Uint8Array(await file.arrayBuffer())) };
  } catch (error) {
    const why = error instanceof Refused ? error.message : "it cannot be read";
    return { refused: `${file.name}: ${why}.` };
  }
}

function policyOf(name, bytes) {
  const { header } = readTensors(bytes);
  let made = null;
  try {
    made = JSON.parse(header.twinscope ?? "null");
  } catch {
    // Without provenance it still decides.
  }
  const id = made?.id ? String(made.id) : name;
  const { game, method } = partsOf(id);
  const backgrounds = Array.isArray(made?.recipe?.backgrounds) ? made.recipe.backgrounds : [];
  return { id, game, method: method || "yours", own: true, bytes, backgrounds };
}

/** @returns {OwnTable} */
export function tableOf(name, text) {
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
  return { name, schema: String(made.schema), columns, rows: rows.map((row) => row.map(valueOf)) };
}

function valueOf(cell) {
  if (cell === "") return null;
  const value = Number(cell);
  return Number.isFinite(value) && cell.trim() === cell ? value : cell;
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

const OF_OURS = /\.(csv|safetensors|pt|pth|bin|ckpt|pkl)$/;

/**
 * Every file of what was dropped; of folders, those that may be policies or tables.
 * @param {DataTransfer} data
 * @returns {Promise<File[]>}
 */
export async function filesOf(data) {
  const items = [...data.items].filter((item) => item.kind === "file");
  // All at once: what was dropped is gone when the event is over.
  const found = items.map((item) => {
    const folder = item.webkitGetAsEntry?.()?.isDirectory;
    // Entries cannot be opened by a page from disk, handles can.
    const handle = /** @type {any} */ (item).getAsFileSystemHandle;
    return folder ? handle?.call(item).then(opened) : item.getAsFile();
  });
  return (await Promise.all(found)).flat().filter(Boolean);
}

/** Files of a folder and of those in it. */
async function opened(handle) {
  const found = [];
  for await (const one of handle.values()) {
    if (one.kind === "directory") found.push(...(await opened(one)));
    else if (OF_OURS.test(one.name)) found.push(await one.getFile());
  }
  return found;
}
