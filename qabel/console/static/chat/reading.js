// @ts-check
// Marking as read, up to what was really seen.

import { useEffect, useRef } from "../vendor/preact.js";
import { call, Problem } from "../session.js";
import { compare } from "./cursors.js";

/** @typedef {import("../data.js").Conversation} Conversation */

const PAUSE = 250;
const AGAIN = 2000;

/** Return a function that is told what was seen. @param {Conversation} conversation */
export function useReading(conversation) {
  const latest = useRef(conversation);
  latest.current = conversation;
  const seen = useRef("0-0");
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));

  async function mark() {
    timer.current = undefined;
    const { id, read, unread } = latest.current;
    const upto = seen.current;
    if (!unread || compare(upto, read) <= 0) return;
    try {
      await call("PUT", `/chat/conversations/${id}/read`, { upto });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 0 || error.status >= 500) timer.current = setTimeout(mark, AGAIN);
    }
  }

  function later() {
    if (timer.current === undefined) timer.current = setTimeout(mark, PAUSE);
  }

  // What was seen is marked also if the count of unread messages comes a moment later.
  useEffect(later, [conversation.unread]);
  useEffect(() => () => {
    if (timer.current === undefined) return;
    clearTimeout(timer.current);
    mark();
  }, []);

  return (/** @type {string} */ cursor) => {
    if (compare(cursor, seen.current) <= 0) return;
    seen.current = cursor;
    later();
  };
}
