// @ts-check
// What goes on in all views: messages that are on their way, drafts, and notifications.

import "./drafts.js";
import { notify } from "./notifications.js";
import { resume } from "./sending.js";

/** Go on with what was left, and notify of what is new. */
export function goOn() {
  resume();
  notify();
}
