// Networks that nobody trained, for worlds that no shipped policy plays: drawn here, from a seed.

const CHANNELS = [16, 32, 32];
const SIZES = [8, 4, 3];
const STRIDES = [4, 2, 1];
const UNITS = 64;

/** Numbers from 0 to 1, the same of the same seed (mulberry32). */
function uniform(seed) {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The tensors of a narrow Nature network: three convolutions and 64 units with He's normal weights,
 * and heads that begin as those of training do, an almost uniform policy and a critic of unit gain.
 * @param {number[]} shape height, width, channels
 * @param {number} actions
 * @param {number} seed
 * @returns {Map<string, import("./tensors.js").Tensor>}
 */
export function untrained([height, width, channels], actions, seed) {
  const draw = uniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  const found = new Map();
  function add(name, shape, spread) {
    const count = shape.reduce((product, side) => product * side, 1);
    found.set(`${name}.weight`, { shape, data: Float32Array.from({ length: count }, () => spread * normal()) });
    found.set(`${name}.bias`, { shape: [shape[0]], data: new Float32Array(shape[0]) });
  }
  const he = (inputs) => Math.sqrt(2 / inputs);
  let [high, wide, deep] = [height, width, channels];
  CHANNELS.forEach((count, i) => {
    const size = SIZES[i];
    add(`encoder.conv${i + 1}.0`, [count, deep, size, size], he(deep * size * size));
    [high, wide] = [high, wide].map((side) => Math.floor((side - size) / STRIDES[i]) + 1);
    deep = count;
  });
  add("encoder.hidden.0", [UNITS, deep * high * wide], he(deep * high * wide));
  add("actor", [actions, UNITS], 0.01 / Math.sqrt(UNITS));
  add("critic", [1, UNITS], 1 / Math.sqrt(UNITS));
  return found;
}
