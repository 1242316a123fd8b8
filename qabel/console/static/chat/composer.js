// @ts-check
// Where messages are written. Enter sends, Shift+Enter begins a new line.

import { html, useLayoutEffect, useRef } from "../vendor/preact.js";
import { t } from "../texts.js";
import { Sign } from "./icons.js";
import { shortly } from "./quote.js";

/** @typedef {import("../data.js").Message} Message */

/** Whether there is room for two panes, and most likely a real keyboard. */
export function isWide() {
  return matchMedia("(min-width: 46.01rem)").matches;
}

/**
 * @param {{ name: string, text: string, onText: (text: string) => void, onSend: () => void,
 *   replyTo: Message | null, onNoReply: () => void }} props
 */
export function Composer({ name, text, onText, onSend, replyTo, onNoReply }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    // An empty field has its height by itself; of a long text nobody has to measure every letter.
    area.style.height = "auto";
    area.style.height = text.length > 5000 ? "40vh" : `${Math.min(area.scrollHeight + 2, innerHeight * 0.4)}px`;
  }, [text]);

  useLayoutEffect(() => {
    const area = field.current;
    if (area && (replyTo || isWide())) {
      area.focus({ preventScroll: true });
      area.setSelectionRange(area.value.length, area.value.length);
    }
  }, [replyTo]);

  /** @param {KeyboardEvent} event */
  function keys(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      onSend();
    } else if (event.key === "Escape" && replyTo) {
      event.preventDefault();
      onNoReply();
    }
  }

  return html`<form class="composer" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); onSend(); field.current?.focus(); }}>
    ${replyTo && html`<div class="replying">
      <${Sign} name="reply" /><span class="what"><span class="soft">${t("chat.reply.to")}</span> <bdi>${shortly(replyTo.text)}</bdi></span>
      <button type="button" class="quiet round" aria-label=${t("chat.reply.not")} title=${t("chat.reply.not")} onClick=${onNoReply}>×</button>
    </div>`}
    <label class="spoken" for="message">${t("chat.write", { name })}</label>
    <textarea id="message" ref=${field} rows="1" dir="auto" placeholder=${t("chat.write.short")} value=${text}
      onKeyDown=${keys} onInput=${(/** @type {any} */ e) => onText(e.target.value)}></textarea>
    <button class="primary round" aria-label=${t("chat.send")} title=${t("chat.send")} disabled=${!text.trim()}><${Sign} name="send" /></button>
  </form>`;
}
