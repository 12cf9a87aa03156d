// A method keeps its colour and its marker wherever it stands.

import { data } from "./data.js";

const MARKERS = ["circle", "diamond", "triangle", "square", "down", "plus", "cross", "star"];
const UNKNOWN = { colour: "#3d3d3d", family: "", narrowed: "", place: 3 };

/** @returns {{colour: string, family: string, narrowed: string, place: number}} */
export function methodOf(name) {
  return data?.methods[name] ?? { ...UNKNOWN, family: String(name) };
}

export function colourOf(method) {
  return methodOf(method).colour;
}

export function markerOf(method) {
  return MARKERS[methodOf(method).place % MARKERS.length];
}

/** The outline of a marker of half width r around the origin. */
export function outline(marker, r) {
  const points = (list) => `M${list.map(([x, y]) => `${x * r},${y * r}`).join("L")}Z`;
  const wide = 1.25;
  switch (marker) {
    case "diamond":
      return points([[0, -wide], [wide, 0], [0, wide], [-wide, 0]]);
    case "triangle":
      return points([[0, -wide], [wide, 0.9], [-wide, 0.9]]);
    case "down":
      return points([[0, wide], [wide, -0.9], [-wide, -0.9]]);
    case "square":
      return points([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
    case "plus":
      return points([
        [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
        [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4],
      ]);
    case "cross":
      return points([
        [-1.1, -0.6], [-0.6, -1.1], [0, -0.5], [0.6, -1.1], [1.1, -0.6], [0.5, 0],
        [1.1, 0.6], [0.6, 1.1], [0, 0.5], [-0.6, 1.1], [-1.1, 0.6], [-0.5, 0],
      ]);
    case "star":
      return points(
        Array.from({ length: 10 }, (_, i) => {
          const far = i % 2 ? 0.55 : 1.35;
          const turn = (Math.PI * i) / 5 - Math.PI / 2;
          return [far * Math.cos(turn), far * Math.sin(turn)];
        }),
      );
    default:
      return `M${r},0A${r},${r} 0 1 1 ${-r},0A${r},${r} 0 1 1 ${r},0Z`;
  }
}
