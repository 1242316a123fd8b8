// @ts-check
// The list of conversations.

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { data, inOrder } from "../data.js";
import { address } from "../places.js";
import { shortTime, t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar } from "../parts.js";
import { Sign } from "./icons.js";
import { LongList } from "./long_list.js";
import { identityOf, nameOf, seedOf } from "./names.js";
import { NewConversation } from "./new.js";
import { NotificationsButton } from "./notifications.js";
import { placeTime } from "./message.js";
import { shortly } from "./quote.js";

/** @typedef {import("../data.js").Data} Data */
/** @typedef {import("../data.js").Conversation} Chat */

const ROW = 4.5;
const LATEST = 8_640_000_000_000_000;

/** @param {{ known: Data, conversation: Chat, isSelected: boolean, isTabbable: boolean }} props */
function Entry({ known, conversation, isSelected, isTabbable }) {
  const { id, last, unread, pinned, muted, draft } = conversation;
  const name = nameOf(known, conversation);
  const when = last ? placeTime(last) : null;
  const identity = known.identities.length > 1 ? identityOf(known, conversation.identity_id) : null;
  return html`<a href=${address("chat", id)} aria-current=${isSelected ? "true" : null} tabindex=${isTabbable ? 0 : -1}
      class="entry ${unread ? "unread" : ""}">
    <${Avatar} name=${name} seed=${seedOf(known, conversation)} />
    <span class="lines">
      <span class="line">
        <bdi class="name">${name}</bdi>
        ${pinned && html`<${Sign} name="pinned" label=${t("chat.pinned")} />`}
        ${muted && html`<${Sign} name="muted" label=${t("chat.muted")} />`}
        ${when !== null && when < LATEST && html`<time>${shortTime(when)}</time>`}
      </span>
      <span class="line">
        <span class="preview">
          ${draft && !isSelected
            ? html`<span class="draft">${t("chat.draft")}</span> <bdi>${shortly(draft)}</bdi>`
            : last && html`${last.direction === "out" && html`<${Sign} name=${last.state} label=${t(`chat.state.${last.state}`)} /> `}<bdi>${shortly(last.text)}</bdi>`}
        </span>
        ${identity && html`<bdi class="tag">${identity.alias}</bdi>`}
        ${unread > 0 && html`<span class="badge ${muted ? "muted" : ""}"><span aria-hidden="true">${unread > 999 ? "999+" : unread}</span>
          <span class="spoken">${t("badge.chat", { n: unread })}</span></span>`}
      </span>
    </span>
  </a>`;
}

/** @param {{ selected: string | null }} props */
export function List({ selected }) {
  const known = /** @type {Data} */ (use(data));
  const [isNew, setNew] = useState(false);
  const [words, setWords] = useState("");
  const [identity, setIdentity] = useState(0);
  const [isArchive, setArchive] = useState(false);
  const all = useMemo(() => inOrder(known), [known.conversations]);
  const archived = all.filter((each) => each.archived).length;
  useEffect(() => {
    if (archived === 0) setArchive(false);
  }, [archived]);

  const wanted = words.trim().toLocaleLowerCase();
  const shown = all.filter((each) => (!identity || each.identity_id === identity)
    && (wanted ? nameOf(known, each).toLocaleLowerCase().includes(wanted) : each.archived === isArchive));

  return html`
    <header class="head">
      <h1>${t(isArchive ? "chat.archive.title" : "nav.chat")}</h1>
      <${NotificationsButton} />
      <button type="button" class="primary new" onClick=${() => setNew(true)}><${Sign} name="plus" /> ${t("chat.new")}</button>
    </header>
    ${(all.length > 7 || known.identities.length > 1) && html`<div class="filters">
      ${all.length > 7 && html`<input type="search" aria-label=${t("chat.filter")} placeholder=${t("chat.filter")} value=${words}
        onInput=${(/** @type {any} */ e) => setWords(e.target.value)} />`}
      ${known.identities.length > 1 && html`<select aria-label=${t("chat.identity")} value=${identity}
          onChange=${(/** @type {any} */ e) => setIdentity(Number(e.target.value))}>
        <option value="0">${t("chat.identity.all")}</option>
        ${known.identities.map((each) => html`<option key=${each.id} value=${each.id}>${each.alias}</option>`)}
      </select>`}
    </div>`}
    ${shown.length > 0
      ? html`<${LongList} items=${shown} keyOf=${(/** @type {Chat} */ each) => each.id} selected=${selected} rem=${ROW} label=${t("nav.chat")}
          row=${(/** @type {Chat} */ each, /** @type {boolean} */ isTabbable) => html`<${Entry} known=${known} conversation=${each}
            isSelected=${each.id === selected} isTabbable=${isTabbable} />`} />`
      : html`<div class="empty"><p>${t(all.length ? "chat.empty.filtered" : "chat.empty")}</p>
          ${all.length === 0 && html`<p class="hint">${t("chat.empty.hint")}</p>`}</div>`}
    ${archived > 0 && !wanted && html`<button type="button" class="quiet archive" onClick=${() => setArchive(!isArchive)}>
      ${isArchive ? t("chat.archive.leave") : t("chat.archive.show", { n: archived })}</button>`}
    ${isNew && html`<${NewConversation} onClose=${() => setNew(false)} />`}`;
}
