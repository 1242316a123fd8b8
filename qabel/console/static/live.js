// @ts-check
// What happens in the daemon, as it happens: a stream of events that goes on after interruptions.

import { Observable } from "./observable.js";
import { connection, isInside, lose, problemOf, send } from "./session.js";

/** @typedef {{ kind: string, data: any }} News */

/** @type {Set<(news: News) => void>} */
const listeners = new Set();

/** Rises when events may have been missed: whoever shows something reads it anew. */
export const gaps = new Observable(0);

/** @type {string | null} */
let cursor = null;

const PAUSES = [500, 1000, 2000, 5000];
const SILENCE = 45_000;

/**
 * Call a function for each event of some kinds; returns a function that ends that.
 * @param {string[]} kinds
 * @param {(news: News) => void} listener
 */
export function onNews(kinds, listener) {
  /** @param {News} news */
  const filtered = (news) => {
    if (kinds.includes(news.kind)) listener(news);
  };
  listeners.add(filtered);
  return () => {
    listeners.delete(filtered);
  };
}

/** Follow the events for as long as there is a session. */
export async function follow() {
  for (let failures = 0; ; ) {
    try {
      await read(() => {
        failures = 0;
      });
    } catch {
      // The daemon does not answer, or does not let the page in; which, `connection` says.
    }
    if (!isInside()) return;
    lose();
    await pause(PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const ended = new AbortController();
    function go() {
      ended.abort();
      resolve(undefined);
    }
    setTimeout(go, milliseconds);
    // Who comes back to the tab, or gets a network, does not wait.
    addEventListener("online", go, { signal: ended.signal });
    document.addEventListener("visibilitychange", () => document.hidden || go(), { signal: ended.signal });
  });
}

/** @param {() => void} onOpen */
async function read(onOpen) {
  const aborter = new AbortController();
  // Another request found that nobody answers: this connection may be dead without a sign of it.
  const stop = connection.listen((state) => state === "lost" && aborter.abort());
  try {
    await readFrom(aborter, onOpen);
  } finally {
    stop();
  }
}

/** @param {AbortController} aborter @param {() => void} onOpen */
async function readFrom(aborter, onOpen) {
  const query = cursor === null ? "" : `?since=${encodeURIComponent(cursor)}`;
  const answer = await send("GET", `/events${query}`, { signal: aborter.signal });
  if (answer.status === 410) {
    cursor = null;
    gaps.set(gaps.value + 1);
    return;
  }
  if (!answer.ok || !answer.body) throw await problemOf(answer);
  if (cursor === null) gaps.set(gaps.value + 1);
  onOpen();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let timer = setTimeout(() => aborter.abort(), SILENCE);
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => aborter.abort(), SILENCE);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() || "";
      blocks.forEach(take);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} block the lines of one event */
function take(block) {
  let kind = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) kind = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
    else if (line.startsWith("id: ")) cursor = line.slice(4);
  }
  if (!data) return;
  const news = { kind, data: JSON.parse(data) };
  for (const each of [...listeners]) {
    try {
      each(news);
    } catch (error) {
      // The mistake of one view does not keep news from the others.
      reportError(error);
    }
  }
}
