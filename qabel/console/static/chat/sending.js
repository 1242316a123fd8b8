// @ts-check
// Messages on their way to the daemon: each has a key, so that trying again sends nothing twice.

import { connection, call, Problem } from "../session.js";
import { soon } from "../data.js";
import { explain } from "../parts.js";
import { Kept } from "./kept.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {{ key: string, conversation: string, text: string, reply_to: number | null, after: string,
 *   created: number, refusal: string | null }} Pending */

const PAUSES = [500, 1000, 2000, 4000];

/** @type {Kept<Pending>} */
const kept = new Kept("qabel.sending");

/** What the daemon has not confirmed yet, in the order of writing. */
export const pending = kept.all;

/** @type {Set<string>} */
const busy = new Set();

/** @type {Set<(message: Message) => void>} */
const listeners = new Set();

/** Call a function for each message that the daemon has taken. @param {(message: Message) => void} listener */
export function onSent(listener) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Whether there is something of a conversation that the daemon has not taken. @param {string} conversation */
export function isSending(conversation) {
  return [...pending.value.values()].some((each) => each.conversation === conversation);
}

/**
 * Send a message; it is tried until the daemon has answered.
 * @param {string} conversation
 * @param {string} text
 * @param {number | null} replyTo
 * @param {string} after the cursor of the newest message before
 */
export function sendMessage(conversation, text, replyTo, after) {
  const key = crypto.randomUUID();
  kept.set(key, { key, conversation, text, reply_to: replyTo, after, created: Date.now(), refusal: null });
  deliver(conversation);
}

/** Forget a message that the daemon has refused. @param {string} key */
export function discard(key) {
  kept.delete(key);
}

/** Send what waits in a conversation, one after the other. @param {string} conversation */
async function deliver(conversation) {
  if (busy.has(conversation)) return;
  busy.add(conversation);
  try {
    for (let failures = 0; ; ) {
      const next = [...pending.value.values()].find((each) => each.conversation === conversation && !each.refusal);
      if (!next) return;
      try {
        const body = { text: next.text, ...(next.reply_to === null ? {} : { reply_to: next.reply_to }) };
        const headers = { "Idempotency-Key": next.key };
        const message = await call("POST", `/chat/conversations/${conversation}/messages`, body, { headers });
        failures = 0;
        kept.delete(next.key);
        for (const each of [...listeners]) each(message);
        soon("conversations");
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 401) return;
        if (error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 408) {
          kept.set(next.key, { ...next, refusal: explain(error) });
        } else {
          await pause(PAUSES[Math.min(failures++, PAUSES.length - 1)]);
        }
      }
    }
  } finally {
    busy.delete(conversation);
  }
}

/** Wait, but not longer than until the daemon is back. @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const stop = connection.listen((state) => state === "open" && go());
    const timer = setTimeout(go, milliseconds);
    function go() {
      stop();
      clearTimeout(timer);
      resolve(undefined);
    }
  });
}

/** Go on with what was left when the tab was loaded anew. */
export function resume() {
  for (const each of new Set([...pending.value.values()].map((one) => one.conversation))) deliver(each);
}

addEventListener("beforeunload", (event) => {
  if ([...pending.value.values()].some((each) => !each.refusal)) event.preventDefault();
});
