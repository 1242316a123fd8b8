// @ts-check
// One conversation: its name, its messages, and where one writes.

import { html, useCallback, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { data, soon } from "../data.js";
import { gaps, onNews } from "../live.js";
import { address, go, place } from "../places.js";
import { call, connection } from "../session.js";
import { t, language } from "../texts.js";
import { use } from "../observable.js";
import { Confirm, ErrorText } from "../parts.js";
import { Composer, isWide } from "./composer.js";
import { compare } from "./cursors.js";
import { draftOf, keepDraft, saveDraft } from "./drafts.js";
import { Header } from "./header.js";
import { History } from "./history.js";
import { Sign } from "./icons.js";
import { nameOf } from "./names.js";
import { useReading } from "./reading.js";
import { onTheWay, rowsOf } from "./rows.js";
import { Scroller } from "./scroller.js";
import { discard, onSent, pending, sendMessage } from "./sending.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {import("../data.js").Conversation} Chat */

/** Hold the messages, and follow what becomes of them. @param {Chat} conversation @param {(news: string) => void} say */
function useHistory(conversation, say) {
  const history = useMemo(() => new History(conversation.id), []);
  const name = data.value ? nameOf(data.value, conversation) : "";
  const unsaid = useRef({ name, say });
  unsaid.current = { name, say };
  useEffect(() => {
    const ends = [
      onNews(["chat.message"], async (news) => {
        if (news.data.conversation !== history.id) return;
        await history.hear(news.data.id);
        const heard = history.held.value.messages.find((each) => each.id === news.data.id);
        if (heard?.direction === "in") unsaid.current.say(t("chat.news", { name: unsaid.current.name }));
      }),
      onNews(["chat.state"], (news) => {
        // Of what was deleted it is not said where it was.
        if (news.data.state === "deleted") return history.drop(news.data.id);
        if (news.data.conversation !== history.id) return;
        history.tell(news.data.id, news.data.state);
        unsaid.current.say(t(`chat.state.${news.data.state}`));
      }),
      onNews(["chat.unread"], (news) => {
        // Much may have been deleted, of which it is not said what it was.
        // Or it may be a part that was missing of a text.
        const { messages } = history.held.value;
        const isHere = news.data.conversation === history.id && messages.some((each) => each.incomplete);
        if (!news.data.conversation || isHere) history.reread();
      }),
      onNews(["module.rebuilt", "module.behind"], () => history.reread()),
      onSent((message) => message.conversation === history.id && history.add(message)),
      gaps.listen(() => history.reread()),
      connection.listen((state) => state === "open" && history.reread()),
    ];
    return () => {
      ends.forEach((end) => end());
      history.close();
    };
  }, []);
  return history;
}

/** @param {{ conversation: Chat, part?: string }} props `part` is the id of a message to show */
export function Conversation({ conversation, part }) {
  const known = /** @type {import("../data.js").Data} */ (use(data));
  const { id } = conversation;
  const name = nameOf(known, conversation);
  const [said, say] = useState("");
  const history = useHistory(conversation, say);
  const held = use(history.held);
  const waiting = use(pending);
  const [target, setTarget] = useState(/** @type {import("./scroller.js").Target | null} */ (null));
  const [first, setFirst] = useState(/** @type {string | null} */ (null));
  const [isStuck, setStuck] = useState(true);
  const [active, setActive] = useState(/** @type {string | null} */ (null));
  const [text, setText] = useState(() => draftOf(id, conversation.draft));
  const [replyTo, setReplyTo] = useState(/** @type {Message | null} */ (null));
  const [doomed, setDoomed] = useState(/** @type {Message | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const onSeen = useReading(conversation);
  const isAttentive = useRef(true);
  isAttentive.current = isStuck;

  /** @param {string} news */
  function write(news) {
    setText(news);
    keepDraft(id, news);
  }

  async function toNewest() {
    if (!history.held.value.atEnd || !history.held.value.isReady) await history.newest();
    setTarget({ place: "end" });
  }

  /** @param {string} read */
  async function toFirst(read) {
    setFirst(read);
    await history.around(read);
    setTarget({ place: "first" });
  }

  /** @param {number} number */
  async function toMessage(number) {
    const isHeld = history.held.value.messages.some((each) => each.id === number);
    if (!isHeld) await history.at(number);
    if (history.held.value.error) {
      await history.newest();
      setError(new Error(t("chat.message.gone")));
      return setTarget({ place: "end" });
    }
    setTarget({ place: "message", key: String(number) });
  }

  useEffect(() => {
    if (part) toMessage(Number(part));
    else if (!history.held.value.isReady) (conversation.unread ? toFirst(conversation.read) : toNewest());
  }, [part]);

  // What was aimed at before it could be read is aimed at again.
  useEffect(() => {
    if (held.isReady && target) setTarget({ ...target });
  }, [held.isReady]);

  useEffect(() => {
    // In a narrow window the link that led here is gone.
    const back = document.querySelector(".talk .back");
    if (!isWide() && back instanceof HTMLElement) back.focus({ preventScroll: true });
    return () => void saveDraft(id);
  }, []);

  // The mark stays where the reader left off, until something is written.
  useEffect(() => onNews(["chat.message"], (news) => {
    const there = history.held.value;
    if (news.data.conversation !== id || (isAttentive.current && !document.hidden)) return;
    if (data.value?.conversations.get(id)?.unread || !there.atEnd) return;
    setFirst(there.messages.length ? there.messages[there.messages.length - 1].cursor : "0-0");
  }), []);

  function submit() {
    const whole = text.trim();
    if (!whole) return;
    const newest = [held.messages[held.messages.length - 1]?.cursor || "0-0", conversation.last?.cursor || "0-0"].sort(compare)[1];
    sendMessage(id, whole, replyTo ? replyTo.id : null, newest);
    write("");
    setReplyTo(null);
    setFirst(null);
    toNewest();
  }

  /** @param {() => Promise<void>} work */
  async function attempt(work) {
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    }
  }

  const latest = useRef({ text, write });
  latest.current = { text, write };
  const actions = useMemo(() => ({
    reply: setReplyTo,
    remove: setDoomed,
    retry: (/** @type {Message} */ message) => attempt(async () => {
      const again = await call("POST", `/chat/messages/${message.id}/retry`);
      history.drop(message.id);
      history.add(again);
      soon("conversations");
    }),
    jump: (/** @type {number} */ number) => {
      if (place.value.part === String(number)) toMessage(number);
      else go("chat", id, String(number));
    },
    edit: (/** @type {import("./sending.js").Pending} */ one) => {
      discard(one.key);
      latest.current.write([latest.current.text, one.text].filter(Boolean).join("\n"));
    },
    discard: (/** @type {import("./sending.js").Pending} */ one) => {
      discard(one.key);
      saveDraft(id);
    },
  }), []);

  const removeDoomed = () => attempt(async () => {
    if (!doomed) return;
    setDoomed(null);
    await call("DELETE", `/chat/messages/${doomed.id}`);
    history.drop(doomed.id);
    soon("conversations");
    document.getElementById("message")?.focus();
  });

  const canWrite = conversation.contact_id !== null;
  const speaks = use(language);
  const onWay = useMemo(() => {
    const its = [...waiting.values()].filter((each) => each.conversation === id);
    return held.atEnd ? onTheWay(its, held.messages) : [];
  }, [waiting, held]);
  // While somebody writes nothing of this changes.
  const rows = useMemo(() => rowsOf({
    messages: held.messages, pending: onWay, first, name, active, found: part || null, canWrite, actions,
  }), [held, onWay, first, name, active, part, canWrite, speaks]);
  const older = useCallback(() => history.older(), []);
  const newer = useCallback(() => history.newer(), []);
  return html`
    <${Header} conversation=${conversation} name=${name} history=${history} onError=${setError} />
    <${Scroller} label=${t("chat.messages", { name })} atStart=${held.atStart} atEnd=${held.atEnd} target=${target}
        onOlder=${older} onNewer=${newer} onSeen=${onSeen} onStuck=${setStuck} onActive=${setActive}>
      ${held.isReady && held.messages.length === 0 && onWay.length === 0
        ? html`<li class="empty">${t("chat.empty.one", { name })}</li>`
        : held.isReady && held.atStart && html`<li key="start" class="start">${t("chat.start")}</li>`}
      ${!held.isReady && html`<li key="wait" class="empty" role="status">${t("loading")}</li>`}
      ${rows}
    <//>
    <div class="foot">
      ${held.isReady && !isStuck && html`<button type="button" class="below" onClick=${() => (conversation.unread ? toFirst(conversation.read) : toNewest())}>
        <${Sign} name="down" /> ${conversation.unread ? t("chat.below", { n: conversation.unread }) : t("chat.newest")}</button>`}
      <${ErrorText} error=${error || held.error} />
      <p class="spoken" role="status" aria-live="polite">${said}</p>
      ${canWrite
        ? html`<${Composer} name=${name} text=${text} onText=${write} onSend=${submit} replyTo=${replyTo} onNoReply=${() => setReplyTo(null)} />`
        : html`<p class="hint closed">${t("chat.no_contact")} <a href=${address("people")}>${t("nav.people")}</a></p>`}
    </div>
    ${doomed && html`<${Confirm} title=${t("chat.message.delete.title")} text=${t("chat.message.delete.text")}
      action=${t("chat.delete.yes")} onYes=${removeDoomed} onClose=${() => setDoomed(null)} />`}`;
}
