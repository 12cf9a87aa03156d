// What is read off a decision: probabilities of buttons, total variation, where it looks.

/** @param {ArrayLike<number>} logits @returns {Float64Array} */
export function softmax(logits) {
  const all = Array.from(logits);
  const highest = Math.max(...all);
  const raised = Float64Array.from(all, (logit) => Math.exp(logit - highest));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}

/**
 * Probabilities of distinct buttons: actions that do the same, added up.
 * @param {ArrayLike<number>} probabilities of actions
 * @param {number[][]} buttons the actions of each
 */
export function merged(probabilities, buttons) {
  return buttons.map((group) => group.reduce((sum, action) => sum + probabilities[action], 0));
}

/** Half the sum of absolute differences: 0 for equal decisions, 1 for opposite ones. */
export function totalVariation(p, q) {
  return 0.5 * p.reduce((sum, value, i) => sum + Math.abs(value - q[i]), 0);
}

/** The place of the largest. */
export function likeliest(probabilities) {
  return probabilities.reduce((best, value, i) => (value > probabilities[best] ? i : best), 0);
}

/**
 * @typedef {object} Decision
 * @property {number[]} buttons probabilities
 * @property {number} value
 * @property {() => Float32Array} saliency how much each pixel moves the log-probability of the
 *   likeliest button: the gradient's absolute value, summed over colours; a number a pixel
 */

/**
 * @param {import("./network.js").Network} network
 * @param {ArrayLike<number>} frame
 * @param {number[][]} buttons
 * @returns {Decision}
 */
export function decision(network, frame, buttons) {
  const { logits, value, gradient } = network.decide(frame);
  const p = softmax(logits);
  const found = merged(p, buttons);
  const saliency = () => {
    const best = likeliest(found);
    const slope = Float32Array.from(p, (each, action) => {
      return (buttons[best].includes(action) ? each / found[best] : 0) - each;
    });
    return summed(gradient(slope), network.shape[2]);
  };
  return { buttons: found, value, saliency };
}

function summed(gradient, channels) {
  const map = new Float32Array(gradient.length / channels);
  for (let pixel = 0, i = 0; pixel < map.length; pixel++) {
    for (let channel = 0; channel < channels; channel++) map[pixel] += Math.abs(gradient[i++]);
  }
  return map;
}

/**
 * Pixels that differ between any two renderings: where the background shows through.
 * @param {Uint8ClampedArray[]} frames RGBA of one state on several backgrounds
 * @returns {Uint8Array} 1 or 0 a pixel
 */
export function maskOf(frames) {
  const [first, ...others] = frames;
  const mask = new Uint8Array(first.length / 4);
  for (const frame of others) {
    for (let i = 0; i < frame.length; i++) if (frame[i] !== first[i]) mask[i >> 2] = 1;
  }
  return mask;
}

/** The share of a map that lies on the mask, divided by the mask's share of the frame. */
export function massRatio(map, mask) {
  const total = map.reduce((sum, value) => sum + value, 0);
  const area = mask.reduce((sum, value) => sum + value, 0) / mask.length;
  const inside = map.reduce((sum, value, i) => sum + (mask[i] ? value : 0), 0);
  return total && area ? inside / total / area : NaN;
}
