// @ts-check
// What people and conversations are called.

import { language, t } from "../texts.js";

/** @typedef {import("../data.js").Data} Data */
/** @typedef {import("../data.js").Conversation} Conversation */

const LONGEST = 60;

// Characters that are not seen, or that turn the direction of what stands around them.
const UNSEEN = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** Return what somebody calls himself, for use in a sentence. @param {string | null} name */
export function plain(name) {
  const seen = [...(name || "").replace(UNSEEN, " ").replace(/\s+/g, " ").trim()];
  if (seen.length === 0) return t("chat.nobody");
  return seen.length > LONGEST ? `${seen.slice(0, LONGEST).join("")}…` : seen.join("");
}

/** Return the name of a conversation. @param {Data} known @param {Conversation} conversation */
export function nameOf(known, conversation) {
  return isNotes(known, conversation) ? t("chat.notes") : plain(conversation.alias);
}

/** @type {WeakMap<object, Map<number, import("../data.js").Contact>>} */
const byId = new WeakMap();

/** @param {Data} known @param {number | null} id */
export function contactOf(known, id) {
  let found = byId.get(known.contacts);
  if (!found) {
    found = new Map(known.contacts.map((each) => [each.id, each]));
    byId.set(known.contacts, found);
  }
  return id === null ? null : found.get(id) || null;
}

/** @param {Data} known @param {number} id */
export function identityOf(known, id) {
  return known.identities.find((each) => each.id === id) || null;
}

/** Whether a conversation is with oneself. @param {Data} known @param {Conversation} conversation */
export function isNotes(known, conversation) {
  const contact = contactOf(known, conversation.contact_id);
  const identity = identityOf(known, conversation.identity_id);
  return contact !== null && identity !== null && contact.public_key === identity.public_key;
}

/** Return what colours follow from. @param {Data} known @param {Conversation} conversation */
export function seedOf(known, conversation) {
  return contactOf(known, conversation.contact_id)?.public_key || conversation.id;
}

/** Return names in alphabetical order. @template {{ alias: string }} T @param {T[]} people */
export function byName(people) {
  const order = new Intl.Collator(language.value);
  return [...people].sort((one, other) => order.compare(one.alias, other.alias));
}
