// @ts-check
// What the daemon does not have yet: kept with this tab until it does, and no longer.

import { Observable } from "../observable.js";

/**
 * A map whose entries outlast a reload of the tab.
 * @template T
 */
export class Kept {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    /** @type {Record<string, T>} */
    let found = {};
    try {
      found = JSON.parse(sessionStorage.getItem(name) || "{}");
    } catch {
      // Nobody else writes there.
    }
    /** @type {Observable<ReadonlyMap<string, T>>} */
    this.all = new Observable(/** @type {ReadonlyMap<string, T>} */ (new Map(Object.entries(found))));
  }

  /** @param {string} key @param {T} value */
  set(key, value) {
    this.write(new Map(this.all.value).set(key, value));
  }

  /** @param {string} key */
  delete(key) {
    if (!this.all.value.has(key)) return;
    const all = new Map(this.all.value);
    all.delete(key);
    this.write(all);
  }

  /** @param {Map<string, T>} all */
  write(all) {
    try {
      if (all.size) sessionStorage.setItem(this.name, JSON.stringify(Object.fromEntries(all)));
      else sessionStorage.removeItem(this.name);
    } catch {
      // It is full: then it is kept as long as the page is there.
    }
    this.all.set(all);
  }
}
