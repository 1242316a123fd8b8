// @ts-check
// Conversations: the list, and beside it, where there is room, the one that is open.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { data } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Conversation } from "../chat/conversation.js";
import { List } from "../chat/list.js";

/** @param {{ id?: string, part?: string }} props */
export default function Chat({ id, part }) {
  const known = use(data);
  const before = useRef(id);
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
      ${open && html`<${Conversation} key=${open.id} conversation=${open} part=${part} />`}
      ${id && !open && html`<div class="empty"><p>${t("chat.gone")}</p><p><a href=${address("chat")}>${t("chat.back")}</a></p></div>`}
      ${!id && html`<div class="empty"><p>${t("chat.choose")}</p></div>`}
    </section>
  </div>`;
}
