// The types of what the page uses of qr.js, for tsc in `make lint`.

/** Return the text of a QR code in a picture. Throws an Error if there is none. */
export function decodeQR(image: { width: number; height: number; data: Uint8ClampedArray }): string;
