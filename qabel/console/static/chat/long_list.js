// @ts-check
// A list of any length, of which only the rows in sight are there; all rows are equally high.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";

const AROUND = 6;

/** Return how many pixels a height in rem has. @param {number} rem */
function pixels(rem) {
  return rem * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
}

/**
 * @template T
 * @param {{ items: T[], keyOf: (item: T) => string, selected: string | null, rem: number, label: string,
 *   row: (item: T, isTabbable: boolean) => any }} props each row has one link
 */
export function LongList({ items, keyOf, selected, rem, label, row }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [range, setRange] = useState({ from: 0, to: 30 });
  const wanted = useRef(/** @type {string | null} */ (null));
  const height = pixels(rem);

  function look() {
    if (!box.current) return;
    const from = Math.max(0, Math.floor(box.current.scrollTop / height) - AROUND);
    const to = Math.ceil((box.current.scrollTop + box.current.clientHeight) / height) + AROUND;
    setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
  }

  useEffect(() => {
    const sizes = new ResizeObserver(look);
    if (box.current) sizes.observe(box.current);
    return () => sizes.disconnect();
  }, []);

  /** @param {number} at */
  function show(at) {
    if (!box.current) return;
    const top = at * height;
    if (top < box.current.scrollTop) box.current.scrollTop = top;
    else if (top + height > box.current.scrollTop + box.current.clientHeight) box.current.scrollTop = top + height - box.current.clientHeight;
    look();
  }

  useEffect(() => {
    const at = items.findIndex((each) => keyOf(each) === selected);
    if (at >= 0) show(at);
  }, [selected]);

  // A row that was not there gets the focus once it is.
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const there = [...(box.current?.querySelectorAll("li") || [])].find((each) => each.dataset.key === wanted.current);
    if (!there) return;
    wanted.current = null;
    there.querySelector("a")?.focus({ preventScroll: true });
  });

  /** @param {KeyboardEvent} event */
  function keys(event) {
    const focused = /** @type {HTMLElement} */ (event.target).closest("li");
    const at = items.findIndex((each) => keyOf(each) === focused?.dataset.key);
    const page = Math.max(1, Math.floor((box.current?.clientHeight || 0) / height) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1, PageDown: at + page, PageUp: at - page }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const bound = Math.min(Math.max(to, 0), items.length - 1);
    wanted.current = keyOf(items[bound]);
    show(bound);
    setRange((before) => ({ ...before }));
  }

  const shown = items.slice(range.from, range.to);
  const isInSight = shown.some((each) => keyOf(each) === selected);
  return html`<div class="long-list" ref=${box} onScroll=${look} onKeyDown=${keys}>
    <ul aria-label=${label} style=${{ height: `${items.length * height}px` }}>
      ${shown.map((each, index) => {
        const key = keyOf(each);
        const isTabbable = isInSight ? key === selected : index === 0;
        return html`<li key=${key} data-key=${key} aria-setsize=${items.length} aria-posinset=${range.from + index + 1}
          style=${{ top: `${(range.from + index) * height}px`, height: `${height}px` }}>${row(each, isTabbable)}</li>`;
      })}
    </ul>
  </div>`;
}
