// @ts-check
// The part of a conversation that scrolls: what is seen stays where it is while pages come and go.

import { html, Component } from "../vendor/preact.js";

/** @typedef {{ key: string, offset: number } | "end" | null} Anchor */
/** @typedef {{ place: "end" | "first" | "message", key?: string }} Target */
/** @typedef {{ children: any, label: string, atStart: boolean, atEnd: boolean, target: Target | null,
 *   onOlder: () => Promise<void>, onNewer: () => Promise<void>, onSeen: (cursor: string) => void,
 *   onStuck: (isStuck: boolean) => void, onActive: (key: string) => void }} Props */

/** So many heights of the view before its edge the next page is read. */
const AHEAD = 1.5;
const NEAR = 48;

export class Scroller extends Component {
  /** @param {Props} props */
  constructor(props) {
    super(props);
    /** @type {Props} */
    this.props;
    /** @type {HTMLElement | null} */
    this.box = null;
    this.isStuck = true;
    this.isReading = false;
    this.frame = 0;
    this.look = this.look.bind(this);
    this.onScroll = this.onScroll.bind(this);
    this.onKeyDown = this.onKeyDown.bind(this);
    this.onFocusIn = this.onFocusIn.bind(this);
  }

  /** @returns {HTMLElement[]} */
  rows() {
    return this.box ? /** @type {HTMLElement[]} */ ([...this.box.querySelectorAll(":scope > ol > li")]) : [];
  }

  componentDidMount() {
    this.sizes = new ResizeObserver(() => {
      if (this.isStuck) this.toEnd();
      this.look();
    });
    if (this.box) this.sizes.observe(this.box);
    this.box?.addEventListener("focusin", this.onFocusIn);
    document.addEventListener("visibilitychange", this.look);
  }

  componentWillUnmount() {
    this.sizes?.disconnect();
    document.removeEventListener("visibilitychange", this.look);
    cancelAnimationFrame(this.frame);
  }

  /** @returns {Anchor} */
  getSnapshotBeforeUpdate() {
    const box = this.box;
    if (!box) return null;
    // What comes while nobody looks is not passed over.
    if (this.isStuck && !document.hidden) return "end";
    for (const row of this.rows()) {
      if (row.dataset.key && row.offsetTop + row.offsetHeight > box.scrollTop) {
        return { key: row.dataset.key, offset: row.offsetTop - box.scrollTop };
      }
    }
    return null;
  }

  /** @param {Props} before @param {unknown} _state @param {Anchor} anchor */
  componentDidUpdate(before, _state, anchor) {
    const { target } = this.props;
    if (target !== before.target && target) this.goTo(target);
    else if (anchor === "end") this.toEnd();
    else if (anchor && this.box) {
      const row = this.rows().find((each) => each.dataset.key === anchor.key);
      if (row) this.box.scrollTop = row.offsetTop - anchor.offset;
    }
    this.onScroll();
  }

  toEnd() {
    if (this.box) this.box.scrollTop = this.box.scrollHeight;
  }

  /** @param {Target} target */
  goTo({ place, key }) {
    const box = this.box;
    if (!box) return;
    const row = this.rows().find((each) => (place === "first" ? each.classList.contains("first") : each.dataset.key === key));
    if (place === "end" || !row) return this.toEnd();
    box.scrollTop = row.offsetTop - (place === "first" ? NEAR : (box.clientHeight - Math.min(row.offsetHeight, box.clientHeight)) / 2);
    if (place === "message") row.focus({ preventScroll: true });
  }

  onScroll() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.look();
      });
    }
  }

  /** Look what is seen, and whether there should be more. */
  look() {
    const box = this.box;
    if (!box) return;
    const { atStart, atEnd, onOlder, onNewer, onStuck } = this.props;
    const below = box.scrollHeight - box.scrollTop - box.clientHeight;
    const isStuck = atEnd && below < NEAR;
    if (isStuck !== this.isStuck) {
      this.isStuck = isStuck;
      onStuck(isStuck);
    }
    this.see(box);
    if (this.isReading) return;
    const ahead = AHEAD * box.clientHeight;
    const more = !atStart && box.scrollTop < ahead ? onOlder : !atEnd && below < ahead ? onNewer : null;
    if (!more) return;
    this.isReading = true;
    more().finally(() => {
      this.isReading = false;
    });
  }

  /** @param {HTMLElement} box */
  see(box) {
    if (document.hidden) return;
    const rows = this.rows();
    const bottom = box.scrollTop + box.clientHeight;
    for (let at = rows.length - 1; at >= 0; at--) {
      const row = rows[at];
      // Its end is in sight, or it is so high that it fills the view.
      const isSeen = row.offsetTop + row.offsetHeight <= bottom + 8 || row.offsetTop <= box.scrollTop;
      if (isSeen && row.dataset.cursor) {
        if (row.offsetTop < bottom) this.props.onSeen(row.dataset.cursor);
        return;
      }
    }
  }

  /** @param {KeyboardEvent} event */
  onKeyDown(event) {
    const row = /** @type {HTMLElement} */ (event.target);
    if (row.localName !== "li") return;
    const rows = this.rows().filter((each) => each.dataset.cursor);
    const at = rows.indexOf(row);
    const to = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    to.focus();
  }

  /** @param {FocusEvent} event */
  onFocusIn(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest("li");
    if (row?.dataset.cursor && row.dataset.key) this.props.onActive(row.dataset.key);
  }

  /** @param {Props} props */
  render({ children, label }) {
    return html`<div class="history" ref=${(/** @type {HTMLElement} */ box) => { this.box = box; }} onScroll=${this.onScroll}
      onKeyDown=${this.onKeyDown}><ol aria-label=${label}>${children}</ol></div>`;
  }
}
