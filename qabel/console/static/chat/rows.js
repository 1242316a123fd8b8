// @ts-check
// The rows of a conversation: messages, days, where the unread ones begin, and what is on its way.

import { html } from "../vendor/preact.js";
import { language, t } from "../texts.js";
import { compare } from "./cursors.js";
import { messageRow, PendingRow, placeTime, safeTime } from "./message.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {import("./sending.js").Pending} Pending */

const DAY = 86_400_000;

/** Return the name of a day. @param {number} when */
export function dayName(when) {
  const day = new Date(when).toDateString();
  if (day === new Date().toDateString()) return t("chat.today");
  if (day === new Date(Date.now() - DAY).toDateString()) return t("chat.yesterday");
  return safeTime(when, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/**
 * Return what is still on its way: what the events told already is there as a message.
 * @param {Iterable<Pending>} waiting
 * @param {Message[]} messages
 */
export function onTheWay(waiting, messages) {
  const taken = new Set();
  return [...waiting].filter((each) => {
    const arrived = messages.find((message) => message.direction === "out" && message.text === each.text
      && !taken.has(message.id) && compare(message.cursor, each.after) > 0);
    if (arrived) taken.add(arrived.id);
    return !arrived;
  });
}

/**
 * @param {{ messages: Message[], pending: Pending[], first: string | null, name: string, active: string | null,
 *   found: string | null, canWrite: boolean, actions: import("./message.js").Actions }} what
 */
export function rowsOf({ messages, pending, first, name, active, found, canWrite, actions }) {
  const rows = [];
  let day = "";
  let isMarked = first === null;
  const isThere = messages.some((each) => String(each.id) === active);
  const last = messages.length ? String(messages[messages.length - 1].id) : null;
  const tabbable = isThere ? active : last;
  for (const each of messages) {
    const when = placeTime(each);
    const key = String(each.id);
    const itsDay = new Date(when).toDateString();
    if (itsDay !== day) {
      day = itsDay;
      rows.push(html`<li key=${`day ${key}`} class="day"><span>${dayName(when)}</span></li>`);
    }
    if (!isMarked && each.direction === "in" && compare(each.cursor, first || "") > 0) {
      isMarked = true;
      rows.push(html`<li key="first" class="first"><span>${t("chat.first")}</span></li>`);
    }
    const isActive = key === tabbable;
    const isFound = key === found;
    rows.push(messageRow({ message: each, name, isActive, canWrite, isFound, actions, language: language.value }));
  }
  for (const each of pending) rows.push(html`<${PendingRow} key=${each.key} pending=${each} actions=${actions} />`);
  return rows;
}
