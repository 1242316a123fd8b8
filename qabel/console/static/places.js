// @ts-check
// Where the user is in the page: kept in the address, so that back and forward work.

import { Observable } from "./observable.js";

/** @typedef {{ name: string, id?: string, part?: string }} Place */

/** Return the place in the address, which is known to all others a moment later. @returns {Place} */
export function placeInAddress() {
  const [, name = "", id, part] = location.hash.split("/").map(decodeURIComponent);
  return { name, id, part };
}

/** The present place: the name of a view, and what it shows. */
export const place = new Observable(placeInAddress());

addEventListener("hashchange", () => place.set(placeInAddress()));

/**
 * Return the address of a place.
 * @param {...string} parts
 */
export function address(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * Go to a place.
 * @param {...string} parts
 */
export function go(...parts) {
  location.hash = address(...parts);
}
