// A saliency map as a picture.

/** Levels from the quietest to the strongest, on light paper and on dark. */
const RAMPS = {
  light: [[250, 249, 246], [253, 224, 170], [233, 133, 60], [160, 40, 40], [60, 6, 40]],
  dark: [[22, 24, 28], [74, 34, 70], [176, 58, 62], [240, 146, 66], [255, 240, 190]],
};

/**
 * @param {Float32Array} map at least 0
 * @param {"light" | "dark"} scheme
 * @returns {Uint8ClampedArray}
 */
export function shaded(map, scheme) {
  const ramp = RAMPS[scheme];
  const highest = Float32Array.from(map).sort()[Math.floor(0.995 * (map.length - 1))] || 1;
  const found = new Uint8ClampedArray(4 * map.length);
  map.forEach((value, i) => {
    // A root, because a few pixels outshine all others.
    const level = Math.sqrt(Math.min(1, value / highest)) * (ramp.length - 1);
    const below = Math.min(ramp.length - 2, Math.floor(level));
    for (let c = 0; c < 3; c++) {
      const [a, b] = [ramp[below][c], ramp[below + 1][c]];
      found[4 * i + c] = a + (b - a) * (level - below);
    }
    found[4 * i + 3] = 255;
  });
  return found;
}
