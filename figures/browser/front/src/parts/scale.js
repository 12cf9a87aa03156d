// From values to pixels.

/** @typedef {{at: (value: number) => number, ticks: number[], inside: (value: number) => boolean}} Scale */

const NICE = [1, 2, 2.5, 5, 10];

/** The smallest and the largest, of however many. */
function endsOf(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/** Ends of all finite values, with some room. */
export function extent(values, pad = 0.04) {
  const known = values.filter(Number.isFinite);
  if (!known.length) return [0, 1];
  const [low, high] = endsOf(known);
  const room = (high - low || Math.abs(high) || 1) * pad;
  return [low - room, high + room];
}

/** @returns {Scale} */
export function linear([low, high], [from, to], about = 5) {
  const at = (value) => from + ((value - low) / (high - low)) * (to - from);
  const rough = (high - low) / Math.max(2, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = NICE.map((nice) => nice * power).find((each) => each >= rough) ?? rough;
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k++) ticks.push(Number((k * step).toPrecision(6)));
  return { at, ticks, inside: (value) => value >= low && value <= high };
}

// Each has its inverse among them, so that an axis can be turned round.
const FACTORS = [0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 20, 50];

/** A logarithmic scale for factors. @returns {Scale} */
export function factors([low, high], [from, to], about = 7) {
  const [a, b] = [Math.log(low), Math.log(high)];
  const at = (value) => from + ((Math.log(value) - a) / (b - a)) * (to - from);
  let ticks = FACTORS.filter((tick) => tick >= low && tick <= high);
  while (ticks.length > Math.max(3, about)) {
    const one = ticks.indexOf(1);
    ticks = ticks.filter((_, i) => (one < 0 ? i % 2 === 0 : (i - one) % 2 === 0));
  }
  return { at, ticks, inside: (value) => value >= low && value <= high };
}

/** Ends of positive values on a logarithmic axis, 1 among them. */
export function factorExtent(values) {
  const known = values.filter((value) => Number.isFinite(value) && value > 0);
  const [low, high] = endsOf(known);
  return [Math.min(0.7, low) * 0.94, Math.max(1.35, high) * 1.06];
}
