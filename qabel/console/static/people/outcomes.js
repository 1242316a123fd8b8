// @ts-check
// What became of the entries of a file or text with cards.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { address, go } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText } from "../parts.js";
import { NamesakeText } from "./marks.js";

/** @typedef {{ alias: string, drop_urls: string[] }} Said */
/** @typedef {{ number: number, alias: string, outcome: "added" | "same" | "differs" | "replaced" | "refused",
 *   id?: number, known?: Said, card?: Said, namesake?: { id: number, verified: number }, reason?: string }} Outcome */

/** Entries that are shown of long files. */
const MOST = 50;

/** @param {{ outcomes: Outcome[] }} props */
export function Outcomes({ outcomes }) {
  if (outcomes.length === 0) return html`<p role="status">${t("outcome.nobody")}</p>`;
  // What needs to be looked at comes first.
  const order = ["refused", "differs", "added", "replaced", "same"];
  const sorted = [...outcomes].sort((one, other) => order.indexOf(one.outcome) - order.indexOf(other.outcome));
  const counts = order.map((name) => ({ name, n: outcomes.filter((each) => each.outcome === name).length }));
  return html`
    <div class="card">
      ${outcomes.length > 1 && html`<p role="status"><strong>${counts.filter(({ n }) => n > 0).map(({ name, n }) => t(`outcome.count.${name}`, { n })).join(", ")}</strong></p>`}
      <ul class="outcomes" aria-label=${t("outcome.list")}>
        ${sorted.slice(0, MOST).map((each, index) => html`<li key=${index}><${One} outcome=${each} /></li>`)}
      </ul>
      ${sorted.length > MOST && html`<p class="quiet">${t("outcome.more", { n: sorted.length - MOST })}</p>`}
    </div>`;
}

/** @param {{ outcome: Outcome }} props */
function One({ outcome }) {
  const known = use(data);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const contact = known?.contacts.find((each) => each.id === outcome.id);
  const name = contact?.alias || outcome.alias || t("outcome.no-name");

  async function write() {
    setError(null);
    try {
      const opened = await call("POST", "/chat/conversations", { identity: contact?.identity_id, contact: contact?.id });
      soon("conversations");
      go("chat", opened.id);
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    <p role=${outcome.outcome === "refused" ? "alert" : "status"} class=${outcome.outcome === "added" ? "good" : ""}>${t(`outcome.${outcome.outcome}`, { name })}</p>
    ${outcome.reason && html`<p class="error">${t("outcome.reason", { reason: outcome.reason })}</p>`}
    ${contact?.namesake && html`<div class="warning"><${NamesakeText} name=${name} namesake=${contact.namesake} /></div>`}
    ${outcome.outcome === "differs" && html`<${Differs} outcome=${outcome} />`}
    <${ErrorText} error=${error} />
    ${contact && html`<p class="buttons left">
      <button class=${outcome.outcome === "added" ? "primary" : ""} onClick=${write}>${t("outcome.write", { name })}</button>
      <a class="button" href=${address("people", String(contact.id))}>${t("outcome.show")}</a>
    </p>`}`;
}

/** How a card differs from what is known, and the choice. @param {{ outcome: Outcome }} props */
function Differs({ outcome }) {
  const { id, known, card } = outcome;
  const [done, setDone] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  if (!known || !card) return null;
  const isElsewhere = card.drop_urls.length > 0 && [...card.drop_urls].sort().join() !== [...known.drop_urls].sort().join();

  /**
   * @param {{ alias?: string, drop_urls?: string[] }} changes
   * @param {string} text
   */
  async function take(changes, text) {
    setError(null);
    try {
      await call("PATCH", `/contacts/${id}`, changes);
      setDone(text);
      soon("people");
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    ${card.alias !== known.alias && html`
      <p>${t("outcome.alias", { known: known.alias, card: card.alias })}</p>
      <p class="buttons left"><button onClick=${() => take({ alias: card.alias }, t("people.renamed"))}>${t("outcome.alias.take", { name: card.alias })}</button></p>`}
    ${isElsewhere && html`
      <dl>
        <dt>${t("outcome.drops.known")}</dt><dd>${servers(known)}</dd>
        <dt>${t("outcome.drops.card")}</dt><dd>${servers(card)}</dd>
      </dl>
      <p>${t("outcome.drops.text", { name: known.alias })}</p>
      <p class="buttons left"><button onClick=${() => take({ drop_urls: card.drop_urls }, t("outcome.drops.taken"))}>${t("outcome.drops.take")}</button></p>`}
    <p class="good" role="status">${done}</p>
    <${ErrorText} error=${error} />`;
}

/** Return the servers of some drop URLs: the rest says nothing to people. @param {Said} said */
function servers(said) {
  const hosts = said.drop_urls.map((url) => `${url.slice(0, url.lastIndexOf("/"))} …${url.slice(-4)}`);
  return [...new Set(hosts)].join(", ") || t("people.details.none");
}
