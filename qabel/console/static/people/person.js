// @ts-check
// One of the people: how they are called, what is known of their key, and what can be done.

import { html, useEffect, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { address, go } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar, Confirm, ErrorText } from "../parts.js";
import { saveFile } from "../files.js";
import { day, NamesakeWarning, Verified } from "./marks.js";
import { Back, Rename } from "./pieces.js";

/** @typedef {import("../data.js").Contact} Contact */

/** @param {{ id: number }} props */
export function Person({ id }) {
  const known = use(data);
  const contact = known?.contacts.find((each) => each.id === id);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isDeleting, setDeleting] = useState(false);
  useEffect(() => setError(null), [id]);
  if (!known) return null;
  if (!contact) return html`<section class="people"><${Back} /><p role="status">${t("people.gone")}</p></section>`;
  const shown = contact;
  const owner = known.identities.length > 1 && known.identities.find((each) => each.id === contact.identity_id);

  /** @param {() => Promise<unknown>} work */
  async function attempt(work) {
    setError(null);
    try {
      await work();
      soon("people");
    } catch (problem) {
      setError(problem);
    }
  }

  const write = () => attempt(async () => {
    const opened = await call("POST", "/chat/conversations", { identity: shown.identity_id, contact: shown.id });
    soon("conversations");
    go("chat", opened.id);
  });
  const block = () => attempt(() => call("PATCH", `/contacts/${id}`, { blocked: !shown.blocked }));
  const remove = () => attempt(async () => {
    setDeleting(false);
    await call("DELETE", `/contacts/${id}`);
    go("people");
  });
  const save = () => attempt(() => saveFile(`/contacts/${id}/export`, `${shown.alias}.qco`));

  return html`
    <section class="people">
      <${Back} />
      <div class="card">
        <header class="head">
          <${Avatar} name=${contact.alias} seed=${contact.public_key} />
          <div>
            <h1><bdi>${contact.alias}</bdi> <${Verified} contact=${contact} /></h1>
            ${owner && html`<p class="quiet">${t("people.of.one", { name: owner.alias })}</p>`}
          </div>
        </header>
        <${NamesakeWarning} contact=${contact} />
        ${contact.blocked && html`<p class="lost" role="status">${t("people.blocked.text")}</p>`}
        <${ErrorText} error=${error} />
        <p class="buttons left"><button class="primary" onClick=${write}>${t("people.write")}</button></p>
      </div>
      <${Key} contact=${contact} />
      <div class="card">
        <h2>${t("people.name")}</h2>
        <${Rename} path=${`/contacts/${id}`} name=${contact.alias} hint=${t("people.name.hint")} isTitled />
      </div>
      <div class="card">
        <h2>${t("people.more")}</h2>
        <${Details} contact=${contact} />
        <p class="buttons left">
          <button onClick=${save}>${t("people.export")}</button>
          <button onClick=${block} aria-pressed=${contact.blocked ? "true" : "false"}>${t(contact.blocked ? "people.unblock" : "people.block")}</button>
          <button class="less" onClick=${() => setDeleting(true)}>${t("people.delete")}</button>
        </p>
      </div>
      ${isDeleting && html`<${Confirm} title=${t("people.delete.title", { name: contact.alias })} text=${t("people.delete.text")}
        action=${t("people.delete")} onYes=${remove} onClose=${() => setDeleting(false)} />`}
    </section>`;
}

/** What is known of the key. @param {{ contact: Contact }} props */
function Key({ contact }) {
  const place = address("people", String(contact.id), "verify");
  return html`
    <div class="card">
      <h2>${t("people.key")}</h2>
      <p>${contact.verified ? t("people.verified.since", { day: day(contact.verified) }) : t("people.key.text", { name: contact.alias })}</p>
      <p class="buttons left"><a class="button" href=${place}>${t(contact.verified ? "people.compare.again" : "people.compare")}</a></p>
    </div>`;
}

/** What only the curious want to see. @param {{ contact: any }} props */
function Details({ contact }) {
  const urls = contact.drop_urls || [];
  return html`
    <details>
      <summary>${t("people.details")}</summary>
      <dl>
        <dt>${t("people.details.key")}</dt><dd><code>${contact.public_key}</code></dd>
        <dt>${t("people.details.drops")}</dt>
        ${urls.length === 0 ? html`<dd>${t("people.details.none")}</dd>` : urls.map((/** @type {string} */ url) => html`<dd><code>${url}</code></dd>`)}
        ${contact.email && html`<dt>${t("people.details.email")}</dt><dd dir="auto">${contact.email}</dd>`}
        ${contact.phone && html`<dt>${t("people.details.phone")}</dt><dd dir="auto">${contact.phone}</dd>`}
        <dt>${t("people.details.added")}</dt>
        <dd>${day(contact.created)}${contact.introduced ? `, ${t("people.details.introduced")}` : ""}</dd>
      </dl>
    </details>`;
}
