// The two loops in which all the time goes, four terms at a time.

let places = new Int32Array(4096);

/**
 * Add rows of a matrix, each times a number: `out[at + o] += Σ x[start + i] · matrix[w + i · n + o]`.
 * Half of what follows a ReLU is zero, and left out.
 */
export function addRows(x, start, length, matrix, w, out, at, n) {
  if (places.length < length) places = new Int32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) if (x[start + i] !== 0) places[count++] = i;
  let k = 0;
  for (; k + 3 < count; k += 4) {
    const [i0, i1, i2, i3] = [places[k], places[k + 1], places[k + 2], places[k + 3]];
    const [a, b, c, d] = [x[start + i0], x[start + i1], x[start + i2], x[start + i3]];
    const [w0, w1, w2, w3] = [w + i0 * n, w + i1 * n, w + i2 * n, w + i3 * n];
    for (let o = 0; o < n; o++) {
      out[at + o] += a * matrix[w0 + o] + b * matrix[w1 + o] + c * matrix[w2 + o] + d * matrix[w3 + o];
    }
  }
  for (; k < count; k++) {
    const value = x[start + places[k]];
    const row = w + places[k] * n;
    for (let o = 0; o < n; o++) out[at + o] += value * matrix[row + o];
  }
}

/** The way back: `found[start + i] += Σ slope[at + o] · matrix[w + i · n + o]`. */
export function addProducts(slope, at, matrix, w, n, found, start, length) {
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const w0 = w + i * n;
    const [w1, w2, w3] = [w0 + n, w0 + 2 * n, w0 + 3 * n];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let o = 0; o < n; o++) {
      const s = slope[at + o];
      a += s * matrix[w0 + o];
      b += s * matrix[w1 + o];
      c += s * matrix[w2 + o];
      d += s * matrix[w3 + o];
    }
    found[start + i] += a;
    found[start + i + 1] += b;
    found[start + i + 2] += c;
    found[start + i + 3] += d;
  }
  for (; i < length; i++) {
    let sum = 0;
    for (let o = 0; o < n; o++) sum += slope[at + o] * matrix[w + i * n + o];
    found[start + i] += sum;
  }
}
