// @ts-check
// The message to which another one is a reply.

import { html, useEffect, useState } from "../vendor/preact.js";
import { call, Problem } from "../session.js";
import { t } from "../texts.js";

/** @typedef {import("../data.js").Message} Message */

const MOST = 500;
const LENGTH = 140;

/** @type {Map<number, Promise<Message | null>>} */
const found = new Map();

/** @param {number} id */
function fetched(id) {
  let message = found.get(id);
  if (!message) {
    if (found.size > MOST) found.clear();
    message = call("GET", `/chat/messages/${id}`).catch((error) => {
      found.delete(id);
      if (error instanceof Problem) return null;
      throw error;
    });
    found.set(id, message);
  }
  return message;
}

/** Return the beginning of a text, in one line. @param {string} text */
export function shortly(text) {
  const line = text.slice(0, 4 * LENGTH).replace(/\s+/g, " ").trim();
  return line.length > LENGTH ? `${line.slice(0, LENGTH).replace(/[\ud800-\udbff]$/, "")}…` : line;
}

/** @param {{ id: number, name: string, jump: (id: number) => void, tabIndex: number }} props */
export function Quote({ id, name, jump, tabIndex }) {
  const [message, setMessage] = useState(/** @type {Message | null} */ (null));
  useEffect(() => {
    let isThere = true;
    fetched(id).then((answer) => isThere && setMessage(answer));
    return () => {
      isThere = false;
    };
  }, [id]);
  return html`<button type="button" class="quote" tabindex=${tabIndex} onClick=${() => jump(id)}>
    <span class="spoken">${t("chat.reply.to")}</span>
    <bdi class="who">${message ? (message.direction === "out" ? t("chat.you") : name) : "…"}</bdi>
    <bdi class="what">${message ? shortly(message.text) : ""}</bdi>
  </button>`;
}
