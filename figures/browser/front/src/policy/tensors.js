// Reading safetensors: eight bytes of length, a JSON header, then numbers.

/** @typedef {{shape: number[], data: Float32Array}} Tensor */

const LONGEST_HEADER = 1 << 20;
const WIDTHS = { F16: 2, BF16: 2, F32: 4 };
const HALVES = new Float32Array(1 << 16);
for (let bits = 0; bits < HALVES.length; bits++) HALVES[bits] = half(bits);

/** Something the reader can put right: one sentence. */
export class Refused extends Error {}

/**
 * @param {Uint8Array} bytes of a whole file
 * @returns {{tensors: Map<string, Tensor>, header: Record<string, string>}}
 */
export function readTensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10) throw new Refused("it is no safetensors file: it holds fewer than 10 bytes");
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER || length + 8 > bytes.length) {
    throw new Refused(
      `it is no complete safetensors file: its header would take ${length.toLocaleString("en")} bytes`,
    );
  }
  const { __metadata__: header = {}, ...entries } = headerOf(bytes.subarray(8, 8 + length));
  const body = bytes.subarray(8 + length);
  const tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, tensorOf(name, entry, body));
  return { tensors, header };
}

function headerOf(bytes) {
  let found = null;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // Said below.
  }
  if (found === null || typeof found !== "object" || Array.isArray(found)) {
    throw new Refused("it is no safetensors file: its header cannot be read");
  }
  return found;
}

function tensorOf(name, entry, body) {
  const shape = entry?.shape;
  const [start, end] = entry?.data_offsets ?? [];
  const whole = (value) => Number.isSafeInteger(value) && value >= 0;
  if (!Array.isArray(shape) || !shape.every(whole) || !whole(start) || !whole(end)) {
    throw new Refused(`its header is damaged where it describes “${name}”`);
  }
  const width = WIDTHS[entry.dtype];
  if (!width) throw new Refused(`“${name}” holds numbers of kind ${entry.dtype}; F16, BF16 and F32 are read`);
  const count = shape.reduce((product, side) => product * side, 1);
  if (end > body.length || end - start !== count * width) {
    throw new Refused(`it is cut short or damaged: “${name}” does not have the room it needs`);
  }
  const data = numbers(body.subarray(start, end), entry.dtype);
  if (!data.every(Number.isFinite)) throw new Refused(`“${name}” holds numbers that are not finite (NaN or ∞)`);
  return { shape, data };
}

function numbers(bytes, kind) {
  // Copied, because numbers need not begin at a multiple of their size.
  const { buffer } = bytes.slice();
  if (kind === "F32") return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  if (kind === "F16") {
    const found = new Float32Array(halves.length);
    for (let i = 0; i < found.length; i++) found[i] = HALVES[halves[i]];
    return found;
  }
  const wide = new Uint32Array(halves.length);
  for (let i = 0; i < wide.length; i++) wide[i] = halves[i] << 16;
  return new Float32Array(wide.buffer);
}

/** A number of half precision (IEEE 754 binary16). */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}
