// @ts-check
// People in the order of their names, and those that a search means.

import { language } from "../texts.js";

/** @typedef {import("../data.js").Contact} Contact */

/** @type {{ of: Contact[] | null, language: string, sorted: Contact[] }} */
const last = { of: null, language: "", sorted: [] };

/** Return contacts by name; the same ones are sorted once. @param {Contact[]} contacts */
export function byName(contacts) {
  if (last.of !== contacts || last.language !== language.value) {
    const { compare } = new Intl.Collator(language.value, { sensitivity: "base", numeric: true });
    last.of = contacts;
    last.language = language.value;
    last.sorted = [...contacts].sort((one, other) => compare(one.alias, other.alias) || one.id - other.id);
  }
  return last.sorted;
}

/**
 * Return those whose name has all words of a search, whatever their accents, or whose key begins with it.
 * @param {Contact[]} contacts
 * @param {string} search
 */
export function matching(contacts, search) {
  const words = folded(search).split(/\s+/).filter(Boolean);
  if (words.length === 0) return contacts;
  const key = search.trim().toLowerCase();
  return contacts.filter((each) => {
    const name = folded(each.alias);
    return words.every((word) => name.includes(word)) || (key.length > 3 && each.public_key.startsWith(key));
  });
}

/** @type {Map<string, string>} */
const known = new Map();

/** @param {string} text */
function folded(text) {
  let made = known.get(text);
  if (made === undefined) {
    made = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    if (known.size > 10_000) known.clear();
    known.set(text, made);
  }
  return made;
}
