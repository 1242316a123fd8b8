// @ts-check
// What all views share: people, conversations in short, what is unread, and what is wrong.

import { Observable } from "./observable.js";
import { gaps, onNews } from "./live.js";
import { call, Problem } from "./session.js";

/** @typedef {{ id: number, alias: string, public_key: string, created: number }} Identity */
/** @typedef {{ id: number, alias: string, public_key: string, my_identity: string, identity_id: number | null,
 *   verified: number, blocked: boolean, introduced: boolean, same_alias: number[],
 *   namesake: { id: number, verified: number } | null, alias_checked: boolean }} Contact */
/** @typedef {{ id: number, cursor: string, conversation: string, direction: "in" | "out", sent: number,
 *   received: number | null, state: string, text: string, reply_to: number | null, attachment: any,
 *   incomplete: boolean, odd_time: boolean }} Message */
/** @typedef {{ id: string, identity_id: number, contact_id: number | null, alias: string, last: Message | null,
 *   unread: number, read: string, muted: boolean, pinned: boolean, archived: boolean, draft: string | null }} Conversation */
/** @typedef {{ identities: Identity[], contacts: Contact[], conversations: Map<string, Conversation>,
 *   requests: number, troubles: { kind: string, what: string, advice: string, since: number }[],
 *   servers: any[], hasChat: boolean }} Data `hasChat`: whether the module chat runs */

/** @type {Observable<Data | null>} */
export const data = new Observable(/** @type {Data | null} */ (null));

/** The number of unread messages of conversations that are not muted. */
export const unread = new Observable(0);

let changedSince = "";

const TROUBLES_EVERY = 20_000;

/** Read everything once, and keep it up to date from then on. */
export async function load() {
  onNews(["chat.message", "chat.state", "chat.unread"], () => soon("conversations"));
  onNews(["chat.request"], () => soon("requests"));
  // Without a conversation it is about people, or about any: something was deleted.
  onNews(["chat.unread"], (news) => !news.data.conversation && peopleChanged());
  onNews(["module.rebuilt", "module.behind"], anew);
  gaps.listen(() => {
    peopleChanged();
    soon("troubles");
  });
  setInterval(() => soon("troubles"), TROUBLES_EVERY);
  await readAll();
}

function peopleChanged() {
  soon("people");
  anew();
}

/** Read all conversations again, as some may be gone. */
function anew() {
  changedSince = "";
  soon("conversations");
  soon("requests");
}

async function readAll() {
  try {
    data.set({ ...(await people()), ...(await conversations()), ...(await requests()), ...(await troubles()) });
    count();
  } catch (error) {
    // The stream of events tells when the daemon is back, and everything is read then.
    if (!(error instanceof Problem)) throw error;
  }
}

const READERS = { people, conversations, requests, troubles };

const AGAIN = 1000;

/** @type {Set<keyof typeof READERS>} */
const waiting = new Set();

/** @type {Set<keyof typeof READERS>} */
const reading = new Set();

/**
 * Read something again in a moment; what changes many times until then is read once.
 * @param {keyof typeof READERS} what
 * @param {number} [pause] milliseconds
 */
export function soon(what, pause = 30) {
  if (waiting.has(what)) return;
  waiting.add(what);
  setTimeout(async () => {
    waiting.delete(what);
    if (!data.value) return readAll();
    // One at a time: an older answer must not come last.
    if (reading.has(what)) return soon(what);
    reading.add(what);
    try {
      const changed = await READERS[what]();
      if (data.value) data.set({ ...data.value, ...changed });
      count();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 0 || error.status >= 500) soon(what, AGAIN);
    } finally {
      reading.delete(what);
    }
  }, pause);
}

/** Take over what is known of a conversation from an answer. @param {Conversation} conversation */
export function put(conversation) {
  if (!data.value) return;
  const all = new Map(data.value.conversations).set(conversation.id, conversation);
  data.set({ ...data.value, conversations: all });
  count();
}

/** Forget a conversation that was deleted. @param {string} id */
export function remove(id) {
  if (!data.value) return;
  const all = new Map(data.value.conversations);
  all.delete(id);
  data.set({ ...data.value, conversations: all });
  count();
}

async function people() {
  const [identities, contacts, servers] = await Promise.all([
    call("GET", "/identities"), call("GET", "/contacts"), call("GET", "/servers"),
  ]);
  return { identities, contacts, servers };
}

async function conversations() {
  const since = data.value ? changedSince : "";
  let listed;
  try {
    listed = await call("GET", `/chat/conversations${since ? `?since=${encodeURIComponent(since)}` : ""}`);
  } catch (error) {
    // The module does not run, or did not when this session began.
    if (!(error instanceof Problem && [403, 404].includes(error.status))) throw error;
    return { conversations: new Map(), hasChat: false };
  }
  /** @type {Map<string, Conversation>} */
  const all = new Map(since && data.value ? data.value.conversations : []);
  for (const each of listed.conversations) all.set(each.id, each);
  // Meanwhile there may be a reason to read all of them.
  if (!data.value || since === changedSince) changedSince = listed.cursor;
  return { conversations: all, hasChat: true };
}

async function requests() {
  if (data.value && !data.value.hasChat) return { requests: 0 };
  try {
    return { requests: (await call("GET", "/chat/requests")).requests.length };
  } catch (error) {
    if (!(error instanceof Problem && [403, 404].includes(error.status))) throw error;
    return { requests: 0 };
  }
}

async function troubles() {
  const status = await call("GET", "/status");
  return { troubles: status.trouble_details };
}

function count() {
  let n = 0;
  for (const each of data.value ? data.value.conversations.values() : []) {
    if (!each.muted && !each.archived) n += each.unread;
  }
  unread.set(n);
}

/** Return the conversations as they are listed: pinned ones first, then the newest. @param {Data} known */
export function inOrder(known) {
  /** @param {Conversation} each */
  const newest = (each) => (each.last ? parseInt(each.last.cursor, 10) : -1);
  return [...known.conversations.values()].sort(
    (one, other) => Number(other.pinned) - Number(one.pinned) || newest(other) - newest(one),
  );
}
