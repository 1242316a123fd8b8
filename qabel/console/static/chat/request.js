// @ts-check
// One stranger, what he wrote, and what is to be done about it.

import { html, useState } from "../vendor/preact.js";
import { put, soon } from "../data.js";
import { call } from "../session.js";
import { t } from "../texts.js";
import { Avatar, Confirm, Dialog, ErrorText } from "../parts.js";
import { NamesakeText } from "../people/marks.js";
import { safeTime, placeTime } from "./message.js";
import { identityOf, plain } from "./names.js";
import { MessageText } from "./text.js";

/** @typedef {import("../data.js").Message} Message */
/** @typedef {import("../data.js").Data} Data */
/** @typedef {{ id: string, identity_id: number, public_key: string, alias: string | null, introduced: boolean,
 *   ignored: boolean, namesake: { id: number, verified: number } | null, last: Message | null, unread: number }} Stranger */

const PAGE = 20;

/** @param {{ request: Stranger, known: Data, onDone: () => void, onAccepted: (id: string) => void }} props */
export function Request({ request, known, onDone, onAccepted }) {
  const [messages, setMessages] = useState(/** @type {Message[] | null} */ (null));
  const [asked, setAsked] = useState(/** @type {"accept" | "block" | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const name = request.alias === null ? t("requests.unnamed") : plain(request.alias);
  const identity = known.identities.length > 1 ? identityOf(known, request.identity_id) : null;

  /** @param {() => Promise<unknown>} work */
  async function attempt(work) {
    setError(null);
    setAsked(null);
    await work().catch(setError);
  }

  /** @param {"ignore" | "block"} what */
  const decide = (what) => attempt(async () => {
    await call("POST", `/chat/requests/${request.id}/${what}`);
    onDone();
  });

  const readMore = () => attempt(async () => {
    const path = `/chat/conversations/${request.id}/messages?limit=${PAGE}`;
    setMessages((await call("GET", path)).messages.reverse());
  });

  const shown = messages || (request.last ? [request.last] : []);
  return html`<article class="card request" aria-label=${name}>
    <header>
      <${Avatar} name=${name} seed=${request.public_key} />
      <div><h2><bdi>${name}</bdi></h2>
        <p class="hint">${request.alias !== null && html`${t("requests.calls")} `}${identity && html`${t("requests.to")} <bdi>${identity.alias}</bdi>`}</p></div>
    </header>
    ${request.namesake && html`<div class="warning"><${NamesakeText} name=${name} namesake=${request.namesake} /></div>`}
    <ol class="said">${shown.map((each) => html`<li key=${each.id}><${MessageText} text=${each.text} isStrange=${true} />
      <time class="hint">${safeTime(placeTime(each), { dateStyle: "medium", timeStyle: "short" })}</time></li>`)}</ol>
    ${!messages && request.unread > 1 && html`<p><button type="button" class="link" onClick=${readMore}>${t("requests.all", { n: request.unread })}</button></p>`}
    <details><summary>${t("requests.key")}</summary><p><code class="key">${request.public_key.match(/.{1,8}/g)?.join(" ")}</code></p></details>
    ${!request.introduced && html`<p class="hint">${t("requests.not_introduced")}</p>`}
    <${ErrorText} error=${error} />
    <p class="buttons">
      <button type="button" class="quiet" onClick=${() => setAsked("block")}>${t("requests.block")}</button>
      ${!request.ignored && html`<button type="button" onClick=${() => decide("ignore")}>${t("requests.ignore")}</button>`}
      ${request.introduced && html`<button type="button" class="primary" onClick=${() => setAsked("accept")}>${t("requests.accept")}</button>`}
    </p>
    ${asked === "block" && html`<${Confirm} title=${t("requests.block.title", { name })} text=${t("requests.block.text")}
      action=${t("requests.block")} onYes=${() => decide("block")} onClose=${() => setAsked(null)} />`}
    ${asked === "accept" && html`<${Accept} request=${request} known=${known} onClose=${() => setAsked(null)} onAccepted=${onAccepted} />`}
  </article>`;
}

/** @param {{ request: Stranger, known: Data, onClose: () => void, onAccepted: (id: string) => void }} props */
function Accept({ request, known, onClose, onAccepted }) {
  const [alias, setAlias] = useState(request.alias === null ? "" : plain(request.alias));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const wanted = alias.trim();
  const isTaken = known.contacts.some((each) => each.alias.toLocaleLowerCase() === wanted.toLocaleLowerCase() && each.public_key !== request.public_key);

  /** @param {Event} event */
  async function accept(event) {
    event.preventDefault();
    setBusy(true);
    try {
      put(await call("POST", `/chat/requests/${request.id}/accept`, { alias: wanted || null }));
      soon("people");
      soon("requests");
      onClose();
      onAccepted(request.id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return html`<${Dialog} title=${t("requests.accept.title")} onClose=${onClose}>
    <form onSubmit=${accept}>
      <p>${t("requests.accept.text")}</p>
      <label>${t("requests.accept.alias")}
        <input required maxlength="100" dir="auto" value=${alias} onInput=${(/** @type {any} */ e) => setAlias(e.target.value)} /></label>
      ${isTaken && html`<p class="warning" role="alert">${t("requests.accept.taken", { name: plain(wanted) })}</p>`}
      <${ErrorText} error=${error} />
      <p class="buttons"><button type="button" onClick=${onClose}>${t("cancel")}</button>
        <button class="primary" disabled=${isBusy || !wanted}>${t("requests.accept")}</button></p>
    </form>
  <//>`;
}
