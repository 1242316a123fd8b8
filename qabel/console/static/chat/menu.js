// @ts-check
// A button with a menu: arrow keys move in it, Escape closes it, and the focus returns.

import { html, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { Sign } from "./icons.js";

/** @typedef {{ name: string, work: () => void, isDangerous?: boolean } | null | false} Entry */

/**
 * @param {{ label: string, entries: () => Entry[], tabIndex?: number }} props `entries` is called when it opens
 */
export function Menu({ label, entries, tabIndex = 0 }) {
  const [shown, setShown] = useState(/** @type {Exclude<Entry, null | false>[] | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));

  useLayoutEffect(() => {
    if (!shown || !list.current) return;
    const box = list.current.getBoundingClientRect();
    const edge = list.current.closest(".pane")?.getBoundingClientRect() || document.body.getBoundingClientRect();
    list.current.classList.toggle("above", box.bottom > edge.bottom);
    list.current.classList.toggle("rightward", box.left < edge.left);
    list.current.querySelector("button")?.focus();
    /** @param {Event} event */
    const outside = (event) => {
      if (event.target instanceof Node && !list.current?.parentElement?.contains(event.target)) setShown(null);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [shown]);

  function close() {
    setShown(null);
    button.current?.focus();
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    if (!shown) return;
    const all = [...(list.current?.querySelectorAll("button") || [])];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[to % all.length].focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return setShown(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Exclude<Entry, null | false>} entry */
  function choose(entry) {
    close();
    entry.work();
  }

  function toggle() {
    setShown(shown ? null : /** @type {any} */ (entries().filter(Boolean)));
  }

  return html`<span class="menu" onKeyDown=${keys}>
    <button ref=${button} class="quiet round" type="button" aria-haspopup="menu" aria-expanded=${shown ? "true" : "false"}
      aria-label=${label} title=${label} tabindex=${tabIndex} onClick=${toggle}><${Sign} name="more" /></button>
    ${shown && html`<span ref=${list} class="entries" role="menu" aria-label=${label}>
      ${shown.map((entry) => html`<button key=${entry.name} type="button" role="menuitem" tabindex="-1"
        class=${entry.isDangerous ? "dangerous" : ""} onClick=${() => choose(entry)}>${entry.name}</button>`)}
    </span>`}
  </span>`;
}
