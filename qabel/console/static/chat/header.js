// @ts-check
// The head of a conversation: who it is with, and what can be done with the whole.

import { html, useState } from "../vendor/preact.js";
import { data, put, remove } from "../data.js";
import { address, go } from "../places.js";
import { saveFile } from "../files.js";
import { call } from "../session.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar, Confirm } from "../parts.js";
import { NamesakeWarning } from "../people/marks.js";
import { Sign } from "./icons.js";
import { Menu } from "./menu.js";
import { contactOf, identityOf, isNotes, seedOf } from "./names.js";

/** @typedef {import("../data.js").Conversation} Chat */

/** Have the browser store a conversation as a file. @param {Chat} conversation @param {string} name @param {"json" | "text"} format */
function save(conversation, name, format) {
  const file = `${name.replace(/[^\p{L}\p{N} _-]/gu, "_")}.${format === "json" ? "json" : "txt"}`;
  return saveFile(`/chat/conversations/${conversation.id}/export?format=${format}`, file);
}

/** @param {{ conversation: Chat, name: string, history: import("./history.js").History, onError: (error: unknown) => void }} props */
export function Header({ conversation, name, history, onError }) {
  const known = /** @type {import("../data.js").Data} */ (use(data));
  const [isAsking, setAsking] = useState(false);
  const { id, pinned, muted, archived } = conversation;
  const contact = contactOf(known, conversation.contact_id);
  const identity = identityOf(known, conversation.identity_id);
  const isOwn = isNotes(known, conversation);

  /** @param {() => Promise<void>} work */
  async function attempt(work) {
    onError(null);
    await work().catch(onError);
  }

  /** @param {Partial<Chat>} changes */
  const change = (changes) => attempt(async () => put(await call("PATCH", `/chat/conversations/${id}`, changes)));

  const entries = () => [
    { name: t(pinned ? "chat.unpin" : "chat.pin"), work: () => change({ pinned: !pinned }) },
    { name: t(muted ? "chat.unmute" : "chat.mute"), work: () => change({ muted: !muted }) },
    { name: t(archived ? "chat.unarchive" : "chat.archive"), work: () => change({ archived: !archived }) },
    { name: t("chat.export.text"), work: () => attempt(() => save(conversation, name, "text")) },
    { name: t("chat.export.json"), work: () => attempt(() => save(conversation, name, "json")) },
    { name: t("chat.delete"), work: () => setAsking(true), isDangerous: true },
  ];

  const removeAll = () => attempt(async () => {
    setAsking(false);
    // Of what is being deleted nothing is read any more.
    history.close();
    try {
      await call("DELETE", `/chat/conversations/${id}`);
    } catch (error) {
      history.open();
      throw error;
    }
    remove(id);
    go("chat");
    document.getElementById("main")?.focus();
  });

  const with_ = contact && !isOwn
    ? html`<a href=${address("people", String(contact.id))}><bdi>${name}</bdi></a>` : html`<bdi>${name}</bdi>`;
  return html`<header class="head">
    <a class="back button quiet round" href=${address("chat")} aria-label=${t("chat.back")} title=${t("chat.back")}><${Sign} name="back" /></a>
    <${Avatar} name=${name} seed=${seedOf(known, conversation)} />
    <div class="who">
      <h1>${with_}${contact && contact.verified && !isOwn ? html` <${Sign} name="check" label=${t("chat.verified")} />` : null}</h1>
      <p class="hint">
        ${isOwn ? t("chat.notes.hint") : known.identities.length > 1 && identity && html`${t("chat.as")} <bdi>${identity.alias}</bdi> `}
        ${muted && html`<span class="tag"><${Sign} name="muted" /> ${t("chat.muted")}</span>`}
        ${archived && html`<span class="tag">${t("chat.archived")}</span>`}
      </p>
    </div>
    <${Menu} label=${t("chat.menu")} entries=${entries} />
    ${isAsking && html`<${Confirm} title=${t("chat.delete.title", { name })} text=${t("chat.delete.text")}
      action=${t("chat.delete.yes")} onYes=${removeAll} onClose=${() => setAsking(false)} />`}
  </header>
  <${NamesakeWarning} contact=${contact} />`;
}
