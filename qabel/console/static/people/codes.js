// @ts-check
// Reading QR codes from pictures and camera frames. The decoder is loaded when it is needed.

import { assure } from "../session.js";

/** @typedef {(image: { width: number, height: number, data: Uint8ClampedArray }) => string} Decode */

/** @type {Promise<Decode> | null} */
let decoder = null;

/** Load the decoder, once. @returns {Promise<Decode>} */
export function loadDecoder() {
  if (!decoder) {
    decoder = assure().then(() => import("../vendor/qr.js")).then((module) => module.decodeQR);
    // It is tried again when somebody asks the next time.
    decoder.catch(() => {
      decoder = null;
    });
  }
  return decoder;
}

/** Pixels of the longer side with which a picture is tried: codes are found in some that are not in others. */
const SIDES = [1000, 2000, 500, 3500];

/**
 * Return the text of the QR code in a picture; null if there is none.
 * @param {Blob} picture
 */
export async function readPicture(picture) {
  const [decode, bitmap] = await Promise.all([loadDecoder(), createImageBitmap(picture)]);
  const tried = new Set();
  try {
    for (const side of SIDES) {
      const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
      if (tried.has(scale)) continue;
      tried.add(scale);
      const text = readFrame(decode, bitmap, bitmap.width * scale, bitmap.height * scale);
      if (text !== null) return text;
      // What is on the screen comes first.
      await new Promise((resolve) => setTimeout(resolve));
    }
    return null;
  } finally {
    bitmap.close();
  }
}

const canvas = document.createElement("canvas");

/**
 * Return the text of the QR code in what can be drawn; null if there is none.
 * @param {Decode} decode
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @returns {string | null}
 */
export function readFrame(decode, source, width, height) {
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  // Transparent pictures have black codes on nothing.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  try {
    return decode(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return null;
  }
}
