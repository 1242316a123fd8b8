// @ts-check
// A list of thousands, of which only what is in sight is drawn.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";

/** The height of a row, in rem: as in the styles. */
const ROW = 4;

/** Rows above and below what is in sight, so that the keyboard finds the next one. */
const MORE = 8;

/**
 * @template T
 * @param {{ items: T[], label: string, keyOf: (item: T) => number | string, row: (item: T) => any }} props
 */
export function LongList({ items, label, keyOf, row }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const [shown, setShown] = useState({ first: 0, count: 30 });
  const height = ROW * rem();

  useEffect(() => {
    const look = () => {
      if (!ref.current) return;
      const above = -ref.current.getBoundingClientRect().top / (ROW * rem());
      // In steps, so that not each pixel draws anew.
      const first = Math.max(0, Math.floor(above / 4) * 4 - MORE);
      const count = Math.ceil(innerHeight / (ROW * rem())) + 2 * MORE + 4;
      setShown((now) => (now.first === first && now.count === count ? now : { first, count }));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, []);

  // A search may leave fewer than there were above.
  const first = Math.min(shown.first, Math.max(0, items.length - shown.count));
  const some = items.slice(first, first + shown.count);
  const below = Math.max(0, items.length - first - some.length);
  return html`
    <ul class="people-list" ref=${ref} aria-label=${label}
      style=${{ paddingTop: `${first * height}px`, paddingBottom: `${below * height}px` }}>
      ${some.map((item, index) => html`
        <li key=${keyOf(item)} aria-setsize=${items.length} aria-posinset=${first + index + 1}>${row(item)}</li>`)}
    </ul>`;
}

function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}
