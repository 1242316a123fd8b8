// @ts-check
// Notifications of the browser, if they were chosen: without text unless that was chosen, too.

import { html, useState } from "../vendor/preact.js";
import { data } from "../data.js";
import { onNews } from "../live.js";
import { go, place } from "../places.js";
import { call, Problem } from "../session.js";
import { t } from "../texts.js";
import { Observable, use } from "../observable.js";
import { Dialog } from "../parts.js";
import { Sign } from "./icons.js";
import { nameOf } from "./names.js";
import { shortly } from "./quote.js";

/** @typedef {import("../data.js").Message} Message */

const KEPT = "qabel.notifications";
const CHOICES = /** @type {const} */ (["off", "plain", "text"]);

/** So many at once are told one by one; of more there is one that counts them. */
const FEW = 3;
const MANY = 20;
const PAUSE = 400;

/** @type {Observable<string>} */
const choice = new Observable(localStorage.getItem(KEPT) || "off");

/** @type {Map<string, Notification>} */
const shown = new Map();

/** @type {{ id: number, conversation: string }[]} */
let waiting = [];

/** Notify of messages from now on. */
export function notify() {
  onNews(["chat.message"], (news) => {
    if (choice.value === "off" || !isAllowed()) return;
    if (waiting.length === 0) setTimeout(tell, PAUSE);
    waiting.push(news.data);
  });
}

function isAllowed() {
  return "Notification" in window && Notification.permission === "granted";
}

/** Whether somebody looks at a conversation. @param {string} id */
function isSeen(id) {
  return !document.hidden && document.hasFocus() && place.value.name === "chat" && place.value.id === id;
}

/** Whether a conversation is one that makes itself heard: a request, for example, is none. @param {string} id */
function isLoud(id) {
  const conversation = data.value?.conversations.get(id);
  return conversation !== undefined && conversation.contact_id !== null && !conversation.muted && !conversation.archived;
}

async function tell() {
  const heard = waiting.filter((each) => !isSeen(each.conversation) && isLoud(each.conversation));
  waiting = [];
  if (heard.length > MANY) return show("many", t("notify.many", { n: heard.length }), "", null);
  /** @type {Message[]} */
  const messages = [];
  for (const each of heard) {
    try {
      const message = await call("GET", `/chat/messages/${each.id}`);
      if (message.direction === "in") messages.push(message);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  if (messages.length > FEW) show("many", t("notify.many", { n: messages.length }), "", null);
  else messages.forEach(showMessage);
}

/** @param {Message} message */
function showMessage(message) {
  const conversation = data.value?.conversations.get(message.conversation);
  if (!data.value || !conversation) return;
  if (choice.value === "text") show(message.conversation, nameOf(data.value, conversation), shortly(message.text), message.conversation);
  else show(message.conversation, t("notify.one"), "", message.conversation);
}

/** @param {string} tag @param {string} title @param {string} body @param {string | null} conversation */
function show(tag, title, body, conversation) {
  shown.get(tag)?.close();
  const notification = new Notification(title, { body, tag: `qabel ${tag}`, icon: "/console/static/icon.svg" });
  shown.set(tag, notification);
  notification.onclick = () => {
    window.focus();
    notification.close();
    if (conversation) go("chat", conversation);
    else go("chat");
  };
}

/** Choose whether there are notifications, and what they say; the browser is asked only now. @param {string} wanted */
async function choose(wanted) {
  if (wanted !== "off" && Notification.permission === "default") await Notification.requestPermission();
  const possible = wanted === "off" || isAllowed() ? wanted : "off";
  localStorage.setItem(KEPT, possible);
  choice.set(possible);
}

/** Where one chooses, also in the settings. */
export function NotificationChoice() {
  const chosen = use(choice);
  const [, redraw] = useState({});
  const isThere = "Notification" in window;
  const isDenied = isThere && Notification.permission === "denied";
  return html`<fieldset class="choice">
    <legend>${t("notify.title")}</legend>
    ${CHOICES.map((each) => html`<label key=${each}>
      <input type="radio" name="notifications" value=${each} checked=${chosen === each} disabled=${each !== "off" && (!isThere || isDenied)}
        onChange=${() => choose(each).then(() => redraw({}))} />
      ${t(`notify.${each}`)}</label>`)}
    <p class="hint">${t(!isThere ? "notify.missing" : isDenied ? "notify.denied" : "notify.hint")}</p>
  </fieldset>`;
}

/** A button that opens the choice. */
export function NotificationsButton() {
  const chosen = use(choice);
  const [isOpen, setOpen] = useState(false);
  const label = t("notify.title");
  return html`<button type="button" class="quiet round" aria-label=${label} title=${label} onClick=${() => setOpen(true)}>
      <${Sign} name=${chosen === "off" ? "muted" : "bell"} /></button>
    ${isOpen && html`<${Dialog} title=${label} onClose=${() => setOpen(false)}><${NotificationChoice} /><//>`}`;
}
