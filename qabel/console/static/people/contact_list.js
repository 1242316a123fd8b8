// @ts-check
// Everybody whom the user knows.

import { html, useState } from "../vendor/preact.js";
import { data } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar } from "../parts.js";
import { byName, matching } from "./finding.js";
import { LongList } from "./long_list.js";
import { isDoubtful, Verified } from "./marks.js";

/** @typedef {import("../data.js").Contact} Contact */

export function ContactList() {
  const known = use(data);
  const [search, setSearch] = useState("");
  const [owner, setOwner] = useState(0);
  if (!known) return null;
  const identities = known.identities;
  const mine = byName(known.contacts).filter((each) => !owner || each.identity_id === owner);
  const found = matching(mine, search);
  return html`
    <section class="people">
      <header class="title">
        <h1>${t("nav.people")}</h1>
        <p class="buttons">
          <a class="button" href=${address("people", "me")}>${t("people.mine")}</a>
          <a class="button primary" href=${address("people", "add")}>${t("people.add")}</a>
        </p>
      </header>
      ${known.contacts.length === 0 ? html`<${Nobody} />` : html`
        <div class="filters">
          <label><span class="spoken">${t("people.search")}</span>
            <input type="search" placeholder=${t("people.search")} value=${search} autocomplete="off"
              onInput=${(/** @type {any} */ e) => setSearch(e.target.value)} />
          </label>
          ${identities.length > 1 && html`
            <label><span class="spoken">${t("people.of")}</span>
              <select value=${owner} onChange=${(/** @type {any} */ e) => setOwner(Number(e.target.value))}>
                <option value="0">${t("people.of.all")}</option>
                ${identities.map((each) => html`<option value=${each.id}>${each.alias}</option>`)}
              </select>
            </label>`}
        </div>
        <p class="quiet count" role="status">${t("people.count", { n: found.length })}</p>
        ${found.length > 0 && html`<${LongList} items=${found} label=${t("nav.people")}
          keyOf=${(/** @type {Contact} */ each) => each.id}
          row=${(/** @type {Contact} */ each) => html`<${Row} contact=${each} owner=${ownerOf(each)} />`} />`}`}
    </section>`;

  /** @param {Contact} contact */
  function ownerOf(contact) {
    if (identities.length < 2 || owner) return null;
    return identities.find((each) => each.id === contact.identity_id)?.alias ?? null;
  }
}

/** @param {{ contact: Contact, owner: string | null }} props */
function Row({ contact, owner }) {
  const notes = [
    owner && t("people.of.one", { name: owner }),
    contact.blocked && t("people.blocked"),
  ].filter(Boolean);
  return html`
    <a class="person" href=${address("people", String(contact.id))}>
      <${Avatar} name=${contact.alias} seed=${contact.public_key} />
      <span class="who">
        <span class="name"><bdi>${contact.alias}</bdi> <${Verified} contact=${contact} /></span>
        ${isDoubtful(contact) && html`<span class="doubt">${t("people.namesake.short")}</span>`}
        ${notes.length > 0 && html`<span class="quiet" dir="auto">${notes.join(" · ")}</span>`}
      </span>
    </a>`;
}

function Nobody() {
  return html`
    <div class="card empty">
      <h2>${t("people.empty")}</h2>
      <p>${t("people.empty.text")}</p>
      <p class="buttons">
        <a class="button" href=${address("welcome")}>${t("people.empty.show")}</a>
        <a class="button primary" href=${address("people", "add")}>${t("people.add")}</a>
      </p>
    </div>`;
}
