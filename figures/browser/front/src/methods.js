// A method keeps its colour, its marker and its line wherever it stands: those of the figures.

import { data } from "./data.js";
import { under } from "./under.js";

const UNKNOWN = { colour: "#3d3d3d", marker: "h", dash: [], family: "", narrowed: "", place: 99 };

/**
 * @returns {{colour: string, marker: string, dash: number[], family: string, narrowed: string,
 *   place: number}}
 */
export function methodOf(name) {
  return under(data?.methods, name) ?? { ...UNKNOWN, family: String(name) };
}

export function colourOf(method) {
  return methodOf(method).colour;
}

export function markerOf(method) {
  return methodOf(method).marker;
}

/** Strokes and gaps of a method's line of a width in pixels. */
export function dashOf(method, width) {
  return methodOf(method).dash.map((part) => part * width).join(" ");
}

const TURNED = { "^": 0, ">": 1, v: 2, "<": 3 };
const CORNERS = { p: 5, h: 6 };

/** The outline of one of matplotlib's markers, of half width r around the origin. */
export function outline(marker, r) {
  const points = (list) => `M${list.map(([x, y]) => `${x * r},${y * r}`).join("L")}Z`;
  const wide = 1.25;
  /** Corners at turns of a circle, the first one above. */
  const around = (count, far) =>
    Array.from({ length: count }, (_, i) => {
      const turn = (2 * Math.PI * i) / count - Math.PI / 2;
      return [far(i) * Math.cos(turn), far(i) * Math.sin(turn)];
    });
  if (marker in TURNED) {
    const turned = ([x, y]) => [[x, y], [-y, x], [-x, -y], [y, -x]][TURNED[marker]];
    return points([[0, -wide], [wide, 0.9], [-wide, 0.9]].map(turned));
  }
  if (marker in CORNERS) return points(around(CORNERS[marker], () => 1.15));
  switch (marker) {
    case "D":
      return points([[0, -wide], [wide, 0], [0, wide], [-wide, 0]]);
    case "d":
      return points([[0, -1.35], [0.8, 0], [0, 1.35], [-0.8, 0]]);
    case "s":
      return points([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
    case "P":
      return points([
        [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
        [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4],
      ]);
    case "X":
      return points([
        [-1.1, -0.6], [-0.6, -1.1], [0, -0.5], [0.6, -1.1], [1.1, -0.6], [0.5, 0],
        [1.1, 0.6], [0.6, 1.1], [0, 0.5], [-0.6, 1.1], [-1.1, 0.6], [-0.5, 0],
      ]);
    case "*":
      return points(around(10, (i) => (i % 2 ? 0.55 : 1.35)));
    default:
      return `M${r},0A${r},${r} 0 1 1 ${-r},0A${r},${r} 0 1 1 ${r},0Z`;
  }
}
