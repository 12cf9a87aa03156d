import { colourOf, markerOf, outline } from "../methods.js";

/** A method's marker in its colour, for the middle of a chart. */
export function Mark({ method, x, y, r = 4, open = false, children = null }) {
  return (
    <path
      class={open ? "mark open" : "mark"}
      style={{ "--c": colourOf(method) }}
      transform={`translate(${x},${y})`}
      d={outline(markerOf(method), r)}
    >
      {children}
    </path>
  );
}

/** The same beside text. */
export function Key({ method }) {
  return (
    <svg class="key" viewBox="-8 -8 16 16" aria-hidden="true">
      <Mark method={method} x={0} y={0} r={5} />
    </svg>
  );
}
