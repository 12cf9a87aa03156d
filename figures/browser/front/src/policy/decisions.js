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
 * @param {import("./network.js").Network} network
 * @param {ArrayLike<number>} frame
 * @param {number[][]} buttons
 * @returns {{buttons: number[], value: number}}
 */
export function decision(network, frame, buttons) {
  const { logits, value } = network.decide(frame);
  return { buttons: merged(softmax(logits), buttons), value };
}

/**
 * How much each pixel moves the log-probability of a button: the gradient's absolute value, summed
 * over colours.
 * @param {import("./network.js").Network} network
 * @param {ArrayLike<number>} frame
 * @param {number[]} group the button's actions
 * @returns {Float32Array} a number a pixel, at least 0
 */
export function saliency(network, frame, group) {
  const slope = (logits) => {
    const p = softmax(logits);
    const whole = group.reduce((sum, action) => sum + p[action], 0);
    return p.map((value, action) => (group.includes(action) ? value / whole : 0) - value);
  };
  const gradient = network.gradient(frame, slope);
  const channels = network.shape[2];
  const map = new Float32Array(gradient.length / channels);
  for (let i = 0; i < gradient.length; i++) map[Math.floor(i / channels)] += Math.abs(gradient[i]);
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
