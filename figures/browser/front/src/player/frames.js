// An episode's states on every background, out of one lossless picture.

import { maskOf } from "../policy/decisions.js";

/** Frames of a world: a row a background, a column a state. */
export class Frames {
  #sheet;
  #context;
  #masks = new Map();

  constructor(sheet, [height, width], variants) {
    this.#sheet = sheet;
    this.height = height;
    this.width = width;
    this.variants = variants;
    const canvas = new OffscreenCanvas(width, height);
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
  }

  /** @param {Uint8Array} bytes of the picture */
  static async open(bytes, world) {
    const blob = new Blob([/** @type {BlobPart} */ (bytes)], { type: "image/webp" });
    const exactly = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const sheet = await createImageBitmap(blob, /** @type {ImageBitmapOptions} */ (exactly));
    return new Frames(sheet, world.shape, world.variants);
  }

  /** RGBA of a state on a background. @returns {Uint8ClampedArray} */
  pixels(state, variant) {
    const { width, height } = this;
    this.#context.drawImage(
      this.#sheet, state * width, variant * height, width, height, 0, 0, width, height,
    );
    return this.#context.getImageData(0, 0, width, height).data;
  }

  /** Where the background of a state shows through, 1 or 0 a pixel. @returns {Uint8Array} */
  mask(state) {
    let found = this.#masks.get(state);
    if (!found) {
      found = maskOf(Array.from({ length: this.variants }, (_, k) => this.pixels(state, k)));
      this.#masks.set(state, found);
    }
    return found;
  }
}

/** A frame without its alpha. @returns {Uint8Array} */
export function rgb(rgba) {
  const found = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, k = 0; i < rgba.length; i += 4) {
    found[k++] = rgba[i];
    found[k++] = rgba[i + 1];
    found[k++] = rgba[i + 2];
  }
  return found;
}

/** A frame with paint on it. */
export function painted(frame, paint) {
  const found = new Uint8ClampedArray(frame);
  for (let i = 0; i < paint.length; i += 4) {
    if (paint[i + 3]) found.set(paint.subarray(i, i + 4), i);
  }
  return found;
}

/** The border of a mask as the path of an SVG, a unit a pixel. */
export function borderOf(mask, width, height) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  const parts = [];
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      // The frame's own edge is no border between sprite and background.
      if (y && y < height && x < width && inside(x, y) !== inside(x, y - 1)) parts.push(`M${x} ${y}h1`);
      if (x && x < width && y < height && inside(x, y) !== inside(x - 1, y)) parts.push(`M${x} ${y}v1`);
    }
  }
  return parts.join("");
}
