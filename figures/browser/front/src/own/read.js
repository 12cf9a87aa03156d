// What readers drop: policies, and tables of this project's commands. Nothing leaves the browser.

import { data } from "../data.js";
import { builderOf } from "../policy/network.js";
import { Refused, readTensors } from "../policy/tensors.js";
import { partsOf } from "../words.js";
import { tableOf } from "./tables.js";

const LARGEST = 200e6;

/**
 * @typedef {{key: string, id: string, game: string, method: string, own: boolean, bytes: Uint8Array,
 *   backgrounds: number[]}} OwnPolicy
 */

/**
 * @param {File} file
 * @returns {Promise<{policy?: OwnPolicy, table?: import("./tables.js").OwnTable, refused?: string}>}
 */
export async function read(file) {
  try {
    if (file.size > LARGEST) throw new Refused(`it is larger than ${LARGEST / 1e6} MB`);
    if (file.name.endsWith(".csv")) {
      return { table: tableOf(file.name, await file.text(), data.study.needs) };
    }
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
  const { tensors, header } = readTensors(bytes);
  builderOf(tensors, header);
  let made = null;
  try {
    made = JSON.parse(header.twinscope ?? "null");
  } catch {
    // Without provenance it still decides.
  }
  const id = made?.id ? String(made.id) : name;
  const { game, method } = partsOf(id);
  const backgrounds = Array.isArray(made?.recipe?.backgrounds) ? made.recipe.backgrounds : [];
  return { key: `own/${id}`, id, game, method: method || "yours", own: true, bytes, backgrounds };
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
