// @ts-check
// Small parts that several views are made of.

import { html, useEffect, useLayoutEffect, useRef } from "./vendor/preact.js";
import { Problem } from "./session.js";
import { language, t } from "./texts.js";

/** What the page says itself of an answer, by its status. */
const KINDS = /** @type {Record<number, string>} */ ({
  0: "unreachable", 400: "input", 401: "ended", 403: "forbidden", 404: "gone", 409: "conflict", 412: "changed",
  413: "large", 415: "input", 422: "input", 429: "later", 503: "later", 507: "full",
});

/** What went wrong, for people. @param {{ error: unknown }} props */
export function ErrorText({ error }) {
  if (!error) return null;
  const { said, detail } = parted(error);
  return html`<p class="error" role="alert">${said}${detail && html` <span lang="en">${detail}</span>`}</p>`;
}

/** Return what went wrong, as one text. @param {unknown} error */
export function explain(error) {
  return joined(parted(error));
}

/** Return what the daemon says of a part of what was sent, as one text. @param {number} status @param {string} detail */
export function explainPart(status, detail) {
  return joined(inTwo(status, detail));
}

/** @param {{ said: string, detail: string }} parts */
function joined({ said, detail }) {
  return detail ? `${said} ${detail}` : said;
}

/**
 * Return what went wrong in the reader's language, and what the daemon says of it, if that is in English only.
 * @param {unknown} error
 * @returns {{ said: string, detail: string }}
 */
function parted(error) {
  if (!(error instanceof Problem)) return { said: String(error), detail: "" };
  const details = error.errors.map((each) => each.detail).filter((each) => !error.message.includes(each));
  return inTwo(error.status, [error.message, ...details].join(" "));
}

/** @param {number} status @param {string} detail what the daemon says, if anything */
function inTwo(status, detail) {
  if (status !== 0 && detail && language.value === "en") return { said: detail, detail: "" };
  return { said: t(`error.${KINDS[status] || "other"}`), detail };
}

/** A picture of somebody: the first letter of a name, in a colour that follows from the key.
 * @param {{ name: string, seed: string }} props */
export function Avatar({ name, seed }) {
  const letter = [...name.trim()][0] || "?";
  return html`<span class="avatar" data-hue=${parseInt(seed.slice(0, 2), 16) % 8} aria-hidden="true">${letter.toUpperCase()}</span>`;
}

/**
 * A dialogue, which keeps the focus, and gives it back.
 * @param {{ title: string, onClose: () => void, children: any, kind?: string }} props with `kind`, a class
 */
export function Dialog({ title, onClose, children, kind }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const isGone = useRef(false);
  // At once, so that no key goes astray.
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    // Not the button that closes it; with a question, that which changes nothing.
    const first = dialog?.querySelector("input, textarea, select, .buttons button");
    if (first instanceof HTMLElement) first.focus();
    return () => {
      // Whoever has moved on meanwhile is not called back.
      const now = document.activeElement;
      const isFree = !now || now === document.body || dialog?.contains(now);
      isGone.current = true;
      dialog?.close();
      if (isFree && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return html`
    <dialog ref=${ref} class=${kind} aria-label=${title} onClose=${() => isGone.current || onClose()} onClick=${(/** @type {MouseEvent} */ e) => e.target === ref.current && onClose()}>
      <div class="dialog">
        <header><h2>${title}</h2><button class="quiet" aria-label=${t("close")} onClick=${onClose}>×</button></header>
        ${children}
      </div>
    </dialog>`;
}

/** Ask before something that cannot be undone.
 * @param {{ title: string, text: string, action: string, onYes: () => void, onClose: () => void }} props */
export function Confirm({ title, text, action, onYes, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${text}</p>
    <p class="buttons"><button onClick=${onClose}>${t("cancel")}</button><button class="danger" onClick=${onYes}>${action}</button></p>
  <//>`;
}

/** Call a function when a component is shown, and once more whenever a value changes.
 * @param {() => void} work
 * @param {unknown[]} values */
export function useWork(work, values) {
  useEffect(() => {
    work();
  }, values);
}
