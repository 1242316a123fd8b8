// @ts-check
// The card in large, until somebody writes: then the page turns to what they wrote by itself.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { data } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Card } from "../people/card.js";

/** @typedef {import("../data.js").Data} Data */

/** @param {{ id?: string }} props the identity; without, the first one */
export default function Waiting({ id }) {
  const known = use(data);
  const before = useRef(/** @type {Map<string, string> | null} */ (null));

  useEffect(() => {
    if (!known) return;
    const said = arrived(known);
    if (before.current) {
      const seen = before.current;
      const fresh = [...said].find(([place, last]) => seen.get(place) !== last);
      if (fresh) location.replace(fresh[0]);
    }
    before.current = said;
  }, [known]);

  if (!known) return null;
  const identity = known.identities.find((each) => String(each.id) === id) || known.identities[0];
  return html`
    <section class="people waiting">
      <h1>${t("waiting.title", { name: identity.alias })}</h1>
      <p>${t("waiting.text")}</p>
      <div class="card"><${Card} identity=${identity} /></div>
      <p class="patient" role="status"><span class="pulse" aria-hidden="true"></span>${t("waiting.status")}</p>
      <div class="card">
        <h2>${t("waiting.add")}</h2>
        <p>${t("waiting.add.text")}</p>
        <p class="buttons left"><a class="button primary" href=${address("people", "add")}>${t("people.add")}</a></p>
      </div>
    </section>`;
}

/** Return where there is something that others wrote, and which is the last of it. @param {Data} known */
function arrived(known) {
  /** @type {Map<string, string>} */
  const said = new Map();
  for (const each of known.conversations.values()) {
    if (each.last?.direction === "in") said.set(address("chat", each.id), each.last.cursor);
  }
  if (known.requests > 0) said.set(address("requests"), String(known.requests));
  return said;
}
