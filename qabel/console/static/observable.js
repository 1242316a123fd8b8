// @ts-check
// Values that views are drawn from: whoever uses one is drawn again when it changes.

import { useEffect, useState } from "./vendor/preact.js";

/**
 * @template T
 */
export class Observable {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Set<(value: T) => void>} */
    this.listeners = new Set();
  }

  /** @param {T} value */
  set(value) {
    if (value === this.value) return;
    this.value = value;
    for (const each of [...this.listeners]) each(value);
  }

  /**
   * Call a function at each change; returns a function that ends that.
   * @param {(value: T) => void} listener
   * @returns {() => void}
   */
  listen(listener) {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}

/**
 * Return the present value, in a component, which is drawn again when it changes.
 * @template T
 * @param {Observable<T>} observable
 * @returns {T}
 */
export function use(observable) {
  const [, redraw] = useState({});
  useEffect(() => {
    const seen = observable.value;
    const stop = observable.listen(() => redraw({}));
    // It may have changed between drawing and listening.
    if (observable.value !== seen) redraw({});
    return stop;
  }, [observable]);
  return observable.value;
}
