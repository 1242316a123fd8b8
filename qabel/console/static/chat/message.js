// @ts-check
// One message, as it is shown in its conversation.

import { html, Component } from "../vendor/preact.js";
import { t, time } from "../texts.js";
import { Sign } from "./icons.js";
import { Menu } from "./menu.js";
import { Quote } from "./quote.js";
import { MessageText } from "./text.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {import("./sending.js").Pending} Pending */
/** @typedef {{ reply: (message: Message) => void, remove: (message: Message) => void,
 *   retry: (message: Message) => void, jump: (id: number) => void, edit: (pending: Pending) => void,
 *   discard: (pending: Pending) => void }} Actions */
/** @typedef {{ message: Message, name: string, isActive: boolean, canWrite: boolean, actions: Actions, language: string }} MessageProps */

const LATEST = 8_640_000_000_000_000;

/** Return a time that others said, which may be none that there is. @param {number} when @param {Intl.DateTimeFormatOptions} how */
export function safeTime(when, how) {
  return Math.abs(when) <= LATEST ? time(when, how) : "?";
}

const HOUR = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });
const WHOLE = /** @type {const} */ ({ dateStyle: "medium", timeStyle: "short" });

/** Return when a message was at its place. @param {Message} message */
export function placeTime(message) {
  return message.received ?? message.sent;
}

/** @param {{ state: string }} props */
function State({ state }) {
  return html`<span class="state" data-state=${state} title=${t(`chat.state.${state}`)}>
    <${Sign} name=${state} label=${t(`chat.state.${state}`)} /></span>`;
}

/** @param {{ message: Message }} props */
function Marks({ message }) {
  return html`
    ${message.incomplete && html`<p class="mark">${t("chat.incomplete")}</p>`}
    ${message.odd_time && html`<p class="mark">${t("chat.odd_time", { time: safeTime(message.sent, WHOLE) })}</p>`}`;
}

/** What a message's row holds. It is drawn anew only if something of it has changed. */
class Content extends Component {
  /** @param {Record<string, unknown>} next */
  shouldComponentUpdate(next) {
    const props = /** @type {Record<string, unknown>} */ (this.props);
    return Object.keys(next).some((name) => next[name] !== props[name]);
  }

  /** @param {MessageProps} props */
  render({ message, name, isActive, canWrite, actions }) {
    const isOwn = message.direction === "out";
    const hasFailed = message.state === "failed";
    const entries = () => [
      canWrite && { name: t("chat.reply"), work: () => actions.reply(message) },
      hasFailed && canWrite && { name: t("chat.retry"), work: () => actions.retry(message) },
      { name: t("chat.copy"), work: () => navigator.clipboard?.writeText(message.text).catch(() => null) },
      { name: t("chat.message.delete"), work: () => actions.remove(message), isDangerous: true },
    ];
    return html`<div class="bubble">
        <span class="spoken">${isOwn ? t("chat.you") : name}:</span>
        ${message.reply_to !== null && html`<${Quote} id=${message.reply_to} name=${name} jump=${actions.jump} tabIndex=${isActive ? 0 : -1} />`}
        <${MessageText} text=${message.text} />
        ${message.attachment && html`<p class="file"><${Sign} name="file" /> <bdi>${message.attachment.name}</bdi></p>`}
        <${Marks} message=${message} />
        <p class="meta">
          <time title=${safeTime(placeTime(message), WHOLE)}>${safeTime(placeTime(message), HOUR)}</time>
          ${isOwn && html`<${State} state=${message.state} />`}
        </p>
        ${hasFailed && html`<p class="trouble">${t("chat.failed")}
          ${canWrite && html` <button type="button" class="link" onClick=${() => actions.retry(message)}>${t("chat.retry")}</button>`}</p>`}
      </div>
      <${Menu} label=${t("chat.message.menu")} entries=${entries} tabIndex=${isActive ? 0 : -1} />`;
  }
}

/**
 * Return the row of a message.
 *
 * It is no component: where rows before them go, Preact moves those that a component made, all of
 * them, and leaves elements where they are.
 * @param {MessageProps & { isFound: boolean }} props
 */
export function messageRow({ isFound, ...props }) {
  const { message, isActive } = props;
  const kind = `${message.direction} ${message.state === "failed" ? "failed" : ""} ${isFound ? "found" : ""}`;
  return html`<li key=${message.id} class="message ${kind}" data-key=${message.id} data-cursor=${message.cursor}
    tabindex=${isActive ? 0 : -1}><${Content} ...${props} /></li>`;
}

/** A message that the daemon has not confirmed. @param {{ pending: Pending, actions: Actions }} props */
export function PendingRow({ pending, actions }) {
  return html`<li class="message out ${pending.refusal ? "failed" : ""}" data-key=${pending.key}>
    <div class="bubble">
      <span class="spoken">${t("chat.you")}:</span>
      <${MessageText} text=${pending.text} />
      <p class="meta"><${State} state=${pending.refusal ? "failed" : "sending"} /></p>
      ${pending.refusal && html`<p class="trouble">${pending.refusal}
        <span class="buttons"><button type="button" onClick=${() => actions.edit(pending)}>${t("chat.edit")}</button>
        <button type="button" onClick=${() => actions.discard(pending)}>${t("chat.discard")}</button></span></p>`}
    </div>
  </li>`;
}
