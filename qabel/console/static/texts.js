// @ts-check
// All that the page says, in the reader's language.

import { Observable } from "./observable.js";
import { assure, isInside } from "./session.js";

/** @typedef {string | { one: string, other: string }} Text */

const KEPT = "qabel.language";

/** The languages, as they call themselves. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** @type {Observable<string>} */
export const language = new Observable("en");

/** @type {Record<string, Text>} */
let texts = {};

/** The files with texts that are loaded: those of some views come with them. */
const files = ["common"];

/** Load the texts of the language that was chosen, or that the browser prefers. */
export async function loadTexts() {
  const kept = localStorage.getItem(KEPT);
  const wanted = [kept, ...navigator.languages].map((each) => (each || "").slice(0, 2));
  await speak(wanted.find((each) => each in LANGUAGES) || "en");
}

/** Load the texts of further views, unless they are there. @param {string} file */
export async function loadTextsOf(file) {
  if (files.includes(file)) return;
  const more = await read(language.value, file);
  if (!files.includes(file)) files.push(file);
  texts = { ...texts, ...more };
}

/** The language that was chosen by hand, or "" for the one of the browser. */
export function chosenLanguage() {
  return localStorage.getItem(KEPT) || "";
}

/** Choose a language by hand, or "" for the one of the browser. @param {string} chosen */
export async function chooseLanguage(chosen) {
  if (chosen) localStorage.setItem(KEPT, chosen);
  else localStorage.removeItem(KEPT);
  await loadTexts();
}

/** @param {string} chosen */
async function speak(chosen) {
  texts = Object.assign({}, ...(await Promise.all(files.map((file) => read(chosen, file)))));
  document.documentElement.lang = chosen;
  language.set(chosen);
}

/**
 * @param {string} chosen
 * @param {string} file
 * @returns {Promise<Record<string, Text>>}
 */
async function read(chosen, file) {
  // Another program may be on the port by now: the page takes no script from it.
  if (isInside()) await assure();
  return (await import(`./texts/${chosen}/${file}.js`)).default;
}

/**
 * Return a text, with values in place of their names.
 * @param {string} key
 * @param {Record<string, string | number>} [values] with `n`, the form for that number
 */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  const chosen = typeof text === "string" ? text : values.n === 1 ? text.one : text.other;
  return chosen.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether there is such a text. @param {string} key */
export function has(key) {
  return key in texts;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * Return a time as people write it in the language, in the zone of the reader.
 * @param {number} milliseconds
 * @param {Intl.DateTimeFormatOptions} how
 */
export function time(milliseconds, how) {
  const key = language.value + JSON.stringify(how);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language.value, how);
    formats.set(key, format);
  }
  return format.format(milliseconds);
}

/** Return the time of day of something today, and the day of something else. @param {number} when */
export function shortTime(when) {
  const day = new Date(when);
  const now = new Date();
  if (day.toDateString() === now.toDateString()) return time(when, { hour: "2-digit", minute: "2-digit" });
  const sameYear = day.getFullYear() === now.getFullYear();
  return time(when, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) });
}

/** Return a moment with its day and its time. @param {number} when */
export function fullTime(when) {
  return time(when, { dateStyle: "medium", timeStyle: "short" });
}

const UNITS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([["day", 86400], ["hour", 3600], ["minute", 60]]);

/** Return how long ago something was, or how long it takes until then. @param {number} when */
export function ago(when) {
  const seconds = (when - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) || ["second", 1];
  return new Intl.RelativeTimeFormat(language.value, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}
