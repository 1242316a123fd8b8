// @ts-check
// What is known about somebody's key, shown beside the name.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { address } from "../places.js";
import { t, time } from "../texts.js";
import { ErrorText } from "../parts.js";

/** @typedef {import("../data.js").Contact} Contact */

/** A mark beside the name of somebody who was verified; nothing for others. @param {{ contact: Contact | null | undefined }} props */
export function Verified({ contact }) {
  if (!contact || !contact.verified) return null;
  const since = t("people.verified.since", { day: day(contact.verified) });
  return html`<span class="verified" title=${since}>
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2l8 3v6c0 5-3 9-8 11-5-2-8-6-8-11V5zM8 12l3 3 5-6" /></svg>
    <span class="spoken">${t("people.verified")}</span>
  </span>`;
}

/** Whether a warning about the name is due. @param {Contact | null | undefined} contact */
export function isDoubtful(contact) {
  return Boolean(contact && contact.namesake);
}

/**
 * What to say of somebody who has the name of a contact, but another key.
 * @param {{ name: string, namesake: { id: number, verified: number } | null | undefined }} props
 */
export function NamesakeText({ name, namesake }) {
  if (!namesake) return null;
  const known = data.value?.contacts.find((each) => each.id === namesake.id);
  return html`<p><strong>${t("people.namesake.title", { name })}</strong>${" "}
    ${t(namesake.verified ? "people.namesake.verified" : "people.namesake.text")}${" "}
    ${known && html`<a href=${address("people", String(known.id))}>${t("people.namesake.other")}</a>`}</p>`;
}

/** The warning about a contact, until the user has looked at it. @param {{ contact: Contact | null | undefined }} props */
export function NamesakeWarning({ contact }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  if (!contact || !contact.namesake) return null;

  async function dismiss() {
    try {
      await call("PATCH", `/contacts/${contact?.id}`, { alias_checked: true });
      setError(null);
      soon("people");
    } catch (problem) {
      setError(problem);
    }
  }

  return html`<div class="warning" role="alert">
    <${NamesakeText} name=${contact.alias} namesake=${contact.namesake} />
    <${ErrorText} error=${error} />
    <p class="buttons">
      <button type="button" onClick=${dismiss}>${t("people.namesake.dismiss")}</button>
      <a class="button" href=${address("people", String(contact.id), "verify")}>${t("people.compare")}</a>
    </p>
  </div>`;
}

/** Return a day in words. @param {number} seconds since the epoch */
export function day(seconds) {
  return time(seconds * 1000, { dateStyle: "long" });
}
