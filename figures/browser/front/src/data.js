// What Python put into the page: JSON, and files as base64.

/** @typedef {{columns: string[], rows: any[][]}} Rows */

const text = document.getElementById("data")?.textContent;

/** Everything the page shows; null in the empty form. */
export const data = text ? JSON.parse(text) : null;

/** The content of a slot. @param {string} slot @returns {Uint8Array} */
export function bytesOf(slot) {
  const packed = atob(document.getElementById(slot)?.textContent ?? "");
  const found = new Uint8Array(packed.length);
  for (let i = 0; i < found.length; i++) found[i] = packed.charCodeAt(i);
  return found;
}

/** Rows as objects. @param {Rows} table @returns {Record<string, any>[]} */
export function records({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

/** Resolves when every slot of the file has been read. */
export const whole = new Promise((resolve) => {
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => resolve(undefined), { once: true });
  } else resolve(undefined);
});
