// Paint on a frame: kept apart from it, so that it can be taken off again.

import { useState } from "preact/hooks";

export const TOOLS = ["paint", "erase", "pick"];

export function usePaint(width, height) {
  const [paint] = useState(() => new Uint8ClampedArray(4 * width * height));
  const [version, setVersion] = useState(0);
  const [tool, setTool] = useState("paint");
  const [colour, setColour] = useState("#f2efe6");
  const [size, setSize] = useState(5);
  const changed = () => setVersion((before) => before + 1);
  return {
    ...{ paint, width, height, version, changed, tool, setTool, colour, setColour, size, setSize },
    touched: paint.some((value) => value > 0),
    clear() {
      paint.fill(0);
      changed();
    },
  };
}

/**
 * What the chosen tool does at pixels of the frame that is seen.
 * @param {ReturnType<typeof usePaint>} brush
 * @param {Uint8ClampedArray} rgba
 * @param {number[][]} places
 */
export function strokeOn(brush, rgba, places) {
  const { width, tool } = brush;
  if (tool === "pick") {
    const [x, y] = places[0];
    const at = 4 * (y * width + x);
    const hex = [0, 1, 2].map((c) => rgba[at + c].toString(16).padStart(2, "0"));
    brush.setColour(`#${hex.join("")}`);
    brush.setTool("paint");
    return;
  }
  const rgb = [1, 3, 5].map((k) => parseInt(brush.colour.slice(k, k + 2), 16));
  const dab = tool === "paint" ? [...rgb, 255] : [0, 0, 0, 0];
  for (const place of places) dabAt(brush, place, dab);
  brush.changed();
}

function dabAt({ paint, width, height, size }, place, dab) {
  const [x, y] = place;
  const corner = Math.floor(size / 2);
  for (let row = y - corner; row < y - corner + size; row++) {
    for (let column = x - corner; column < x - corner + size; column++) {
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      paint.set(dab, 4 * (row * width + column));
    }
  }
}
