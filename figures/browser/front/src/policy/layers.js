// What networks are made of, forwards and backwards with respect to their input. Pixels and
// features lie as height × width × channel, so that the innermost loop runs over channels in a row.

/** @typedef {{data: Float32Array, height: number, width: number, channels: number}} Volume */
/**
 * @typedef {object} Layer
 * @property {(x: Volume) => Volume} forward
 * @property {(x: Volume, slope: Float32Array) => Float32Array} backward from the slope of the
 *   output to that of the input `x`
 */

/** @returns {Volume} */
export function volume(height, width, channels, data = new Float32Array(height * width * channels)) {
  return { data, height, width, channels };
}

/**
 * A convolution, or with a kernel as large as its input a linear layer.
 * @param {Float32Array} weight as torch holds it: output, input, row, column
 * @param {Float32Array} bias
 * @param {{size: number, stride: number, pad: number, channels: number}} form of the input
 * @returns {Layer & {outputs: number}}
 */
export function convolution(weight, bias, { size, stride, pad, channels }) {
  const outputs = bias.length;
  const kernel = reordered(weight, outputs, channels, size, size);
  const places = (length) => Math.floor((length + 2 * pad - size) / stride) + 1;

  /** Visit every pair of an input cell and an output cell that a weight connects. */
  function visit(x, each) {
    const across = places(x.width);
    for (let row = 0; row < places(x.height); row++) {
      for (let column = 0; column < across; column++) {
        const out = (row * across + column) * outputs;
        for (let dy = 0; dy < size; dy++) {
          const y = row * stride + dy - pad;
          if (y < 0 || y >= x.height) continue;
          const from = Math.max(0, pad - column * stride);
          const to = Math.min(size, x.width + pad - column * stride);
          if (to <= from) continue;
          const start = (y * x.width + column * stride + from - pad) * channels;
          each(out, start, (to - from) * channels, (dy * size + from) * channels * outputs);
        }
      }
    }
  }

  return {
    outputs,
    forward(x) {
      const out = volume(places(x.height), places(x.width), outputs);
      const { data } = out;
      for (let i = 0; i < data.length; i += outputs) data.set(bias, i);
      visit(x, (at, start, length, w) => {
        for (let i = 0; i < length; i++, w += outputs) {
          const value = x.data[start + i];
          // Half of what follows a ReLU is zero.
          if (value === 0) continue;
          for (let o = 0; o < outputs; o++) data[at + o] += value * kernel[w + o];
        }
      });
      return out;
    },
    backward(x, slope) {
      const found = new Float32Array(x.data.length);
      visit(x, (at, start, length, w) => {
        for (let i = 0; i < length; i++, w += outputs) {
          let sum = 0;
          for (let o = 0; o < outputs; o++) sum += slope[at + o] * kernel[w + o];
          found[start + i] += sum;
        }
      });
      return found;
    },
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
 * @param {{height: number, width: number, channels: number}} form of the input
 * @returns {Layer & {outputs: number}}
 */
export function linear(weight, bias, { height, width, channels }) {
  const outputs = bias.length;
  const matrix = reordered(weight, outputs, channels, height, width);
  return {
    outputs,
    forward(x) {
      const data = Float32Array.from(bias);
      for (let i = 0, w = 0; i < x.data.length; i++, w += outputs) {
        const value = x.data[i];
        if (value === 0) continue;
        for (let o = 0; o < outputs; o++) data[o] += value * matrix[w + o];
      }
      return volume(1, 1, outputs, data);
    },
    backward(x, slope) {
      const found = new Float32Array(x.data.length);
      for (let i = 0, w = 0; i < found.length; i++, w += outputs) {
        let sum = 0;
        for (let o = 0; o < outputs; o++) sum += slope[o] * matrix[w + o];
        found[i] = sum;
      }
      return found;
    },
  };
}

/** @type {Layer} */
export const relu = {
  forward: (x) => ({ ...x, data: x.data.map((value) => (value > 0 ? value : 0)) }),
  backward: (x, slope) => slope.map((value, i) => (x.data[i] > 0 ? value : 0)),
};

/** @type {Layer} The largest of 3 × 3 cells, every second one; the first of equals, as torch has it. */
export const maxPool = {
  forward: (x) => pooled(x).out,
  backward(x, slope) {
    const { winners } = pooled(x);
    const found = new Float32Array(x.data.length);
    winners.forEach((winner, i) => (found[winner] += slope[i]));
    return found;
  },
};

function pooled(x) {
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
  return { out, winners };
}

/** @type {Layer} The mean over all cells. */
export const meanPool = {
  forward(x) {
    const out = volume(1, 1, x.channels);
    const cells = x.height * x.width;
    x.data.forEach((value, i) => (out.data[i % x.channels] += value / cells));
    return out;
  },
  backward: (x, slope) => x.data.map((_, i) => slope[i % x.channels] / (x.height * x.width)),
};

/**
 * Layers one after the other.
 * @param {Layer[]} layers
 * @returns {Layer}
 */
export function chain(layers) {
  const inputs = (x) => layers.reduce((seen, layer) => [...seen, layer.forward(seen.at(-1))], [x]);
  return {
    forward: (x) => layers.reduce((seen, layer) => layer.forward(seen), x),
    backward(x, slope) {
      const seen = inputs(x);
      return layers.reduceRight((found, layer, i) => layer.backward(seen[i], found), slope);
    },
  };
}

/**
 * The input, and what layers add to it.
 * @param {Layer[]} layers
 * @returns {Layer}
 */
export function residual(layers) {
  const branch = chain(layers);
  return {
    forward(x) {
      const added = branch.forward(x).data;
      return { ...x, data: x.data.map((value, i) => value + added[i]) };
    },
    backward(x, slope) {
      const through = branch.backward(x, slope);
      return slope.map((value, i) => value + through[i]);
    },
  };
}
