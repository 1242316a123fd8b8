// @ts-check
// What is being written: kept in the daemon, and in this tab until the daemon has it.

import { put } from "../data.js";
import { call, connection, Problem } from "../session.js";
import { Kept } from "./kept.js";
import { isSending, onSent } from "./sending.js";

const PAUSE = 400;
const AGAIN = 2000;

/** @type {Kept<string>} */
const unsaved = new Kept("qabel.drafts");

/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const timers = new Map();

/** @type {Set<string>} */
const saving = new Set();

/** Return what is being written in a conversation. @param {string} id @param {string | null} saved what the daemon has */
export function draftOf(id, saved) {
  return unsaved.all.value.get(id) ?? saved ?? "";
}

/** Keep what is being written. @param {string} id the conversation @param {string} text */
export function keepDraft(id, text) {
  unsaved.set(id, text);
  later(id, PAUSE);
}

/** @param {string} id @param {number} pause */
function later(id, pause) {
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => saveDraft(id), pause));
}

/** Have the daemon keep what is being written. @param {string} id the conversation */
export async function saveDraft(id) {
  clearTimeout(timers.get(id));
  const text = unsaved.all.value.get(id);
  if (text === undefined || saving.has(id)) return;
  // As long as it is not certain that a message was taken, the daemon keeps it as the draft.
  if (isSending(id) && !text) return;
  saving.add(id);
  try {
    put(await call("PATCH", `/chat/conversations/${id}`, { draft: text || null }, { keepalive: text.length < 20_000 }));
    if (unsaved.all.value.get(id) === text) unsaved.delete(id);
    else later(id, PAUSE);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404) unsaved.delete(id);
    else if (error.status !== 401) later(id, AGAIN);
  } finally {
    saving.delete(id);
  }
}

function saveAll() {
  for (const id of unsaved.all.value.keys()) saveDraft(id);
}

onSent((message) => saveDraft(message.conversation));
connection.listen((state) => state === "open" && saveAll());
addEventListener("pagehide", saveAll);
document.addEventListener("visibilitychange", () => document.hidden && saveAll());
