// @ts-check
// Searching in all messages: while words are written, the hits are shown.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { data } from "../data.js";
import { address } from "../places.js";
import { call, Problem } from "../session.js";
import { shortTime, t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar, ErrorText } from "../parts.js";
import { contactOf, byName, isNotes, nameOf, plain, seedOf } from "../chat/names.js";
import { safeTime, placeTime } from "../chat/message.js";

/** @typedef {import("../data.js").Message & { context: string, places: [number, number][] }} Hit */
/** @typedef {{ hits: Hit[], cursor: string, isAll: boolean, words: string }} Found */

const PAUSE = 250;
const PAGE = 30;
const LATEST = 8_640_000_000_000_000;

/** What was searched for last: it is not in the address, which browsers keep. */
const last = { words: "", contact: "" };

/**
 * Return a text in pieces, of which some are what was searched for.
 * @param {string} context
 * @param {[number, number][]} places counted in characters, not in halves of them
 */
export function highlighted(context, places) {
  const characters = [...context];
  const found = [];
  let at = 0;
  for (const [start, end] of places) {
    if (start < at) continue;
    found.push(characters.slice(at, start).join(""), html`<mark>${characters.slice(start, end).join("")}</mark>`);
    at = end;
  }
  found.push(characters.slice(at).join(""));
  return found;
}

/** @param {string} words @param {string} contact */
function useHits(words, contact) {
  const [found, setFound] = useState(/** @type {Found | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const aborter = useRef(/** @type {AbortController | null} */ (null));

  /** @param {Found | null} before */
  async function search(before) {
    aborter.current?.abort();
    aborter.current = new AbortController();
    const { signal } = aborter.current;
    const query = new URLSearchParams({ q: words, limit: String(PAGE), ...(contact ? { contact } : {}), ...(before ? { before: before.cursor } : {}) });
    setBusy(true);
    try {
      const answer = await call("GET", `/chat/search?${query}`, undefined, { signal });
      setFound({ hits: [...(before?.hits || []), ...answer.hits], cursor: answer.cursor, isAll: answer.hits.length < PAGE, words });
      setError(null);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      setError(problem);
    }
    setBusy(false);
  }

  useEffect(() => {
    if (!words) {
      aborter.current?.abort();
      setFound(null);
      setError(null);
      return setBusy(false);
    }
    const timer = setTimeout(() => search(null), PAUSE);
    return () => clearTimeout(timer);
  }, [words, contact]);
  useEffect(() => () => aborter.current?.abort(), []);
  return { found, error, isBusy, more: () => search(found) };
}

/** @param {{ hit: Hit, known: import("../data.js").Data }} props */
function HitEntry({ hit, known }) {
  const conversation = known.conversations.get(hit.conversation);
  if (!conversation) return null;
  const name = nameOf(known, conversation);
  const when = placeTime(hit);
  return html`<li><a class="entry hit" href=${address("chat", hit.conversation, String(hit.id))}>
    <${Avatar} name=${name} seed=${seedOf(known, conversation)} />
    <span class="lines"><span class="line"><bdi class="name">${name}</bdi>
      <time title=${safeTime(when, { dateStyle: "medium", timeStyle: "short" })}>${when < LATEST ? shortTime(when) : "?"}</time></span>
      <span class="context">${hit.direction === "out" && html`<span class="soft">${t("chat.you")}: </span>`}<bdi>${highlighted(hit.context, hit.places)}</bdi></span>
    </span></a></li>`;
}

export default function Search() {
  const known = /** @type {import("../data.js").Data} */ (use(data));
  const [words, setWords] = useState(last.words);
  const [contact, setContact] = useState(last.contact);
  last.words = words;
  last.contact = contact;
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), []);
  const { found, error, isBusy, more } = useHits(words.trim(), contact);
  const talked = byName([...known.conversations.values()].filter((each) => each.last && each.contact_id !== null)
    .map((each) => ({ id: String(each.contact_id), alias: isNotes(known, each) ? t("chat.notes") : plain(contactOf(known, each.contact_id)?.alias || each.alias) })));
  const n = found ? found.hits.length : 0;
  return html`<section class="search">
    <h1>${t("nav.search")}</h1>
    <div class="filters" role="search">
      <input type="search" aria-label=${t("search.words")} placeholder=${t("search.words")} value=${words}
        ref=${field}
        onInput=${(/** @type {any} */ e) => setWords(e.target.value)} />
      <select aria-label=${t("search.where")} value=${contact} onChange=${(/** @type {any} */ e) => setContact(e.target.value)}>
        <option value="">${t("search.everywhere")}</option>
        ${talked.map((each) => html`<option key=${each.id} value=${each.id}>${each.alias}</option>`)}
      </select>
    </div>
    <${ErrorText} error=${error} />
    <p class="hint" role="status">${!words.trim() ? t("search.hint") : isBusy || !found ? t("search.busy")
      : n === 0 ? t("search.none") : found.isAll ? t("search.found", { n }) : t("search.first", { n })}</p>
    ${found && n > 0 && html`<ol class="hits card">${found.hits.map((each) => html`<${HitEntry} key=${each.id} hit=${each} known=${known} />`)}</ol>
      ${!found.isAll && html`<p><button type="button" disabled=${isBusy} onClick=${more}>${t("search.more")}</button></p>`}`}
  </section>`;
}
