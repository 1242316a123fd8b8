// @ts-check
// Beginning a conversation: with whom, and as whom.

import { html, useState } from "../vendor/preact.js";
import { data, put } from "../data.js";
import { address, go } from "../places.js";
import { call } from "../session.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar, Dialog, ErrorText } from "../parts.js";
import { byName, plain } from "./names.js";

const MOST = 100;

/** @param {{ onClose: () => void }} props */
export function NewConversation({ onClose }) {
  const known = /** @type {import("../data.js").Data} */ (use(data));
  const [identity, setIdentity] = useState(known.identities[0].id);
  const [words, setWords] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const mine = known.identities.find((each) => each.id === identity) || known.identities[0];
  const others = known.contacts.filter((each) => each.identity_id === mine.id && each.public_key !== mine.public_key && !each.blocked);
  const wanted = words.trim().toLocaleLowerCase();
  const found = byName(others.filter((each) => each.alias.toLocaleLowerCase().includes(wanted)));

  /** @param {number | string} contact */
  async function open(contact) {
    setError(null);
    try {
      const conversation = await call("POST", "/chat/conversations", { identity: mine.id, contact });
      put(conversation);
      onClose();
      go("chat", conversation.id);
    } catch (problem) {
      setError(problem);
    }
  }

  return html`<${Dialog} title=${t("chat.new.title")} onClose=${onClose}>
    ${known.identities.length > 1 && html`<label>${t("chat.new.as")}
      <select value=${identity} onChange=${(/** @type {any} */ e) => setIdentity(Number(e.target.value))}>
        ${known.identities.map((each) => html`<option key=${each.id} value=${each.id}>${each.alias}</option>`)}
      </select></label>`}
    ${others.length > 0 && html`<label>${t("chat.new.who")}
      <input type="search" value=${words} onInput=${(/** @type {any} */ e) => setWords(e.target.value)} /></label>`}
    <${ErrorText} error=${error} />
    <ul class="choices">
      ${!wanted && html`<li><button type="button" onClick=${() => open(mine.public_key)}>
        <${Avatar} name=${mine.alias} seed=${mine.public_key} /><span>${t("chat.notes")}<span class="hint">${t("chat.notes.hint")}</span></span></button></li>`}
      ${found.slice(0, MOST).map((each) => html`<li key=${each.id}><button type="button" onClick=${() => open(each.id)}>
        <${Avatar} name=${plain(each.alias)} seed=${each.public_key} /><bdi>${plain(each.alias)}</bdi></button></li>`)}
    </ul>
    ${found.length > MOST && html`<p class="hint">${t("chat.new.more", { n: found.length - MOST })}</p>`}
    ${others.length > 0 && found.length === 0 && html`<p class="hint" role="status">${t("chat.new.none")}</p>`}
    ${others.length === 0 && html`<p class="hint">${t("chat.new.nobody")} <a href=${address("people")} onClick=${onClose}>${t("nav.people")}</a></p>`}
  <//>`;
}
