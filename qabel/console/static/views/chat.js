// @ts-check
// Conversations: the list, and beside it, where there is room, the one that is open.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { data } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { assure, lose } from "../session.js";
import { List } from "../chat/list.js";

/** @type {typeof import("../chat/conversation.js").Conversation | null} */
let Conversation = null;

/** Load what shows a conversation: the list is there before it. */
export async function loadConversation() {
  if (Conversation) return;
  await assure();
  Conversation = (await import("../chat/conversation.js")).Conversation;
}

/** @param {{ id?: string, part?: string }} props */
export default function Chat({ id, part }) {
  const known = use(data);
  const before = useRef(id);
  const [, redraw] = useState({});
  useEffect(() => {
    if (id && !Conversation) loadConversation().then(() => redraw({}), () => lose());
  }, [id]);
  useEffect(() => {
    // Back in the list of a narrow window, one goes on where one was.
    const link = document.querySelector(`.long-list li[data-key="${CSS.escape(before.current || "")}"] a`);
    if (!id && link instanceof HTMLElement && document.activeElement === document.body) link.focus();
    before.current = id;
  }, [id]);
  if (!known) return null;
  const open = id ? known.conversations.get(id) : null;
  return html`<div class="chat ${id ? "is-open" : ""}">
    <section class="pane list" aria-label=${t("nav.chat")}><${List} selected=${id || null} /></section>
    <section class="pane talk" aria-label=${t("chat.conversation")}>
      ${open && !Conversation && html`<p class="quiet" role="status">${t("loading")}</p>`}
      ${open && Conversation && html`<${Conversation} key=${open.id} conversation=${open} part=${part} />`}
      ${id && !open && html`<div class="empty"><p>${t("chat.gone")}</p><p><a href=${address("chat")}>${t("chat.back")}</a></p></div>`}
      ${!id && html`<div class="empty"><p>${t("chat.choose")}</p></div>`}
    </section>
  </div>`;
}
