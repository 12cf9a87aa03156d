// What networks are made of, forwards and backwards with respect to their input. Pixels and
// features lie as height × width × channel, so that the innermost loop runs over channels in a row.

import { addProducts, addRows } from "./sums.js";

/** @typedef {{data: Float32Array, height: number, width: number, channels: number}} Volume */
/** @typedef {(slope: Float32Array) => Float32Array} Back from the output's slope to the input's */
/** @typedef {(x: Volume) => {out: Volume, back: Back}} Layer */

/** @returns {Volume} */
export function volume(height, width, channels, data = new Float32Array(height * width * channels)) {
  return { data, height, width, channels };
}

/**
 * A convolution.
 * @param {Float32Array} weight as torch holds it: output, input, row, column
 * @param {Float32Array} bias
 * @param {{size: number, stride: number, pad: number, channels: number}} form of the input
 * @returns {Layer}
 */
export function convolution(weight, bias, { size, stride, pad, channels }) {
  const outputs = bias.length;
  const kernel = reordered(weight, outputs, channels, size, size);
  const places = (length) => Math.floor((length + 2 * pad - size) / stride) + 1;

  /** Visit every output cell with each run of input numbers that weights connect to it. */
  function visit(x, each) {
    const [down, across] = [places(x.height), places(x.width)];
    for (let cell = 0; cell < down * across; cell++) {
      const top = Math.floor(cell / across) * stride - pad;
      const left = (cell % across) * stride - pad;
      const from = Math.max(0, -left);
      const count = (Math.min(size, x.width - left) - from) * channels;
      for (let dy = Math.max(0, -top); dy < Math.min(size, x.height - top); dy++) {
        const start = ((top + dy) * x.width + left + from) * channels;
        each(cell * outputs, start, count, (dy * size + from) * channels * outputs);
      }
    }
  }

  return (x) => {
    const out = volume(places(x.height), places(x.width), outputs);
    for (let i = 0; i < out.data.length; i += outputs) out.data.set(bias, i);
    visit(x, (at, start, count, w) => addRows(x.data, start, count, kernel, w, out.data, at, outputs));
    return {
      out,
      back(slope) {
        const found = new Float32Array(x.data.length);
        visit(x, (at, start, count, w) =>
          addProducts(slope, at, kernel, w, outputs, found, start, count),
        );
        return found;
      },
    };
  };
}

/** Weights from output × input × row × column to row × column × input × output. */
function reordered(weight, outputs, channels, rows, columns) {
  const found = new Float32Array(weight.length);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < channels; c++) {
      for (let cell = 0; cell < rows * columns; cell++) {
        found[(cell * channels + c) * outputs + o] = weight[from++];
      }
    }
  }
  return found;
}

/**
 * A linear layer on a whole volume, whose weights count channels first as torch flattens them.
 * @param {Float32Array} weight output, input
 * @param {Float32Array} bias
 * @param {{height: number, width: number, channels: number}} form of the input
 * @returns {Layer}
 */
export function linear(weight, bias, { height, width, channels }) {
  const outputs = bias.length;
  const matrix = reordered(weight, outputs, channels, height, width);
  return ({ data }) => {
    const out = volume(1, 1, outputs, Float32Array.from(bias));
    addRows(data, 0, data.length, matrix, 0, out.data, 0, outputs);
    return {
      out,
      back(slope) {
        const found = new Float32Array(data.length);
        addProducts(slope, 0, matrix, 0, outputs, found, 0, data.length);
        return found;
      },
    };
  };
}

/** @type {Layer} */
export const relu = (x) => ({
  out: { ...x, data: x.data.map((value) => (value > 0 ? value : 0)) },
  back: (slope) => slope.map((value, i) => (x.data[i] > 0 ? value : 0)),
});

/** @type {Layer} The largest of 3 × 3 cells, every second one; the first of equals, as in torch. */
export const maxPool = (x) => {
  const { height, width, channels } = x;
  const out = volume(Math.ceil(height / 2), Math.ceil(width / 2), channels);
  const winners = new Int32Array(out.data.length);
  for (let i = 0; i < out.data.length; i++) {
    const channel = i % channels;
    const cell = (i - channel) / channels;
    const [row, column] = [2 * Math.floor(cell / out.width), 2 * (cell % out.width)];
    let best = -Infinity;
    for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
      for (let z = Math.max(0, column - 1); z <= Math.min(width - 1, column + 1); z++) {
        const at = (y * width + z) * channels + channel;
        if (x.data[at] > best) [best, winners[i]] = [x.data[at], at];
      }
    }
    out.data[i] = best;
  }
  return {
    out,
    back(slope) {
      const found = new Float32Array(x.data.length);
      winners.forEach((winner, i) => (found[winner] += slope[i]));
      return found;
    },
  };
};

/** @type {Layer} The mean over all cells. */
export const meanPool = (x) => {
  const { height, width, channels } = x;
  const out = volume(1, 1, channels);
  x.data.forEach((value, i) => (out.data[i % channels] += value / (height * width)));
  return {
    out,
    back: (slope) => x.data.map((_, i) => slope[i % channels] / (height * width)),
  };
};

/**
 * Layers one after the other.
 * @param {Layer[]} layers
 * @returns {Layer}
 */
export function chain(layers) {
  return (x) => {
    const backs = [];
    let out = x;
    for (const layer of layers) {
      const done = layer(out);
      out = done.out;
      backs.push(done.back);
    }
    return { out, back: (slope) => backs.reduceRight((found, back) => back(found), slope) };
  };
}

/**
 * The input, and what layers add to it.
 * @param {Layer[]} layers
 * @returns {Layer}
 */
export function residual(layers) {
  const branch = chain(layers);
  return (x) => {
    const added = branch(x);
    return {
      out: { ...x, data: x.data.map((value, i) => value + added.out.data[i]) },
      back(slope) {
        const through = added.back(slope);
        return slope.map((value, i) => value + through[i]);
      },
    };
  };
}
