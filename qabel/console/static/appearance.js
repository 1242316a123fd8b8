// @ts-check
// Light or dark: as the system says, or as was chosen in this browser.

import { Observable } from "./observable.js";

const KEPT = "qabel.appearance";

/** @typedef {"system" | "light" | "dark"} Appearance */

export const APPEARANCES = /** @type {const} */ (["system", "light", "dark"]);

/** @type {Observable<string>} */
export const appearance = new Observable("system");

/** Look as was chosen the last time. */
export function loadAppearance() {
  show(localStorage.getItem(KEPT) || "system");
}

/** @param {Appearance} chosen */
export function chooseAppearance(chosen) {
  if (chosen === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, chosen);
  show(chosen);
}

/** @param {string} chosen */
function show(chosen) {
  const root = document.documentElement;
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  else delete root.dataset.theme;
  appearance.set(chosen);
}
