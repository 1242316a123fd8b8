// @ts-check
// What all views share: people, conversations in short, what is unread, and what is wrong.

import { Observable } from "./observable.js";
import { gaps, onNews } from "./live.js";
import { call, Problem } from "./session.js";

/** @typedef {{ id: number, alias: string, public_key: string, created: number }} Identity */
/** @typedef {{ id: number, alias: string, public_key: string, my_identity: string, identity_id: number | null,
 *   verified: number, blocked: boolean, introduced: boolean, same_alias: number[],
 *   namesake: { id: number, verified: number } | null, alias_checked: boolean }} Contact */
/** @typedef {{ id: string, cursor: string, conversation: string, direction: "in" | "out", sent: number,
 *   received: number | null, state: string, text: string, reply_to: number | null, attachment: any,
 *   incomplete: boolean, odd_time: boolean }} Message */
/** @typedef {{ id: string, identity_id: number, contact_id: number | null, alias: string, last: Message | null,
 *   unread: number, muted: boolean, pinned: boolean, archived: boolean, draft: string | null }} Conversation */
/** @typedef {{ identities: Identity[], contacts: Contact[], conversations: Map<string, Conversation>,
 *   requests: number, troubles: { kind: string, what: string, advice: string, since: number }[],
 *   servers: any[] }} Data */

/** @type {Observable<Data | null>} */
export const data = new Observable(/** @type {Data | null} */ (null));

/** The number of unread messages of conversations that are not muted. */
export const unread = new Observable(0);

let changedSince = "";

const TROUBLES_EVERY = 20_000;

/** Read everything once, and keep it up to date from then on. */
export async function load() {
  onNews(["synced"], () => soon("people"));
  onNews(["chat.message", "chat.state", "chat.unread", "chat.request", "module.rebuilt", "module.behind"], () => soon("conversations"));
  gaps.listen(() => {
    soon("people");
    soon("conversations");
    soon("troubles");
  });
  setInterval(() => soon("troubles"), TROUBLES_EVERY);
  await readAll();
}

async function readAll() {
  try {
    data.set({ ...(await people()), ...(await conversations()), ...(await troubles()) });
    count();
  } catch (error) {
    // The stream of events tells when the daemon is back, and everything is read then.
    if (!(error instanceof Problem)) throw error;
  }
}

const READERS = { people, conversations, troubles };

/** @type {Set<keyof typeof READERS>} */
const waiting = new Set();

/**
 * Read something again in a moment; what changes many times until then is read once.
 * @param {keyof typeof READERS} what
 */
export function soon(what) {
  if (waiting.has(what)) return;
  waiting.add(what);
  setTimeout(async () => {
    waiting.delete(what);
    if (!data.value) return readAll();
    try {
      const changed = await READERS[what]();
      if (data.value) data.set({ ...data.value, ...changed });
      count();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }, 30);
}

async function people() {
  const [identities, contacts, servers] = await Promise.all([
    call("GET", "/identities"), call("GET", "/contacts"), call("GET", "/servers"),
  ]);
  return { identities, contacts, servers };
}

async function conversations() {
  const since = data.value ? changedSince : "";
  const [listed, requests] = await Promise.all([
    call("GET", `/chat/conversations${since ? `?since=${encodeURIComponent(since)}` : ""}`),
    call("GET", "/chat/requests"),
  ]);
  changedSince = listed.cursor;
  /** @type {Map<string, Conversation>} */
  const all = new Map(since && data.value ? data.value.conversations : []);
  for (const each of listed.conversations) all.set(each.id, each);
  return { conversations: all, requests: requests.requests.length };
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
  const newest = (each) => (each.last ? each.last.received ?? each.last.sent : 0);
  return [...known.conversations.values()].sort(
    (one, other) => Number(other.pinned) - Number(one.pinned) || newest(other) - newest(one),
  );
}
