// @ts-check
// Comparing keys with somebody: words or digits that are the same on both sides.

import { html, useEffect, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText } from "../parts.js";
import { day } from "./marks.js";
import { Back } from "./pieces.js";

/** @param {{ id: number }} props */
export function Verify({ id }) {
  const known = use(data);
  const contact = known?.contacts.find((each) => each.id === id);
  const [text, setText] = useState(/** @type {{ digits: string, words: string[], verified: number } | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isDifferent, setDifferent] = useState(false);

  useEffect(() => {
    setText(null);
    setDifferent(false);
    call("GET", `/contacts/${id}/verification`).then(setText, setError);
    // With another key it is another text.
  }, [id, contact?.public_key, contact?.my_identity]);

  if (!known) return null;
  if (!contact) return html`<section class="people"><${Back} /><p role="status">${t("people.gone")}</p></section>`;
  const name = contact.alias;

  /** @param {"PUT" | "DELETE"} method */
  async function mark(method) {
    setError(null);
    setDifferent(false);
    try {
      await call(method, `/contacts/${id}/verification`, method === "PUT" ? { digits: text?.digits } : undefined);
      soon("people");
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    <section class="people">
      <${Back} to=${["people", String(id)]} text=${name} />
      <div class="card">
        <h1>${t("verify.title", { name })}</h1>
        <p>${t("verify.text", { name })}</p>
        ${text && html`
          <h2 id="verify-words">${t("verify.words")}</h2>
          <ol class="words" lang="en" translate="no" aria-labelledby="verify-words">${text.words.map((word) => html`<li>${word}</li>`)}</ol>
          <h2 id="verify-digits">${t("verify.digits")}</h2>
          <ol class="digits" translate="no" aria-labelledby="verify-digits">${text.digits.split(" ").map((group) => html`<li>${group}</li>`)}</ol>`}
        <${ErrorText} error=${error} />
        <div role="status">
          ${contact.verified > 0 && html`<p class="good">${t("people.verified.since", { day: day(contact.verified) })}</p>`}
          ${isDifferent && html`<div class="warning"><p><strong>${t("verify.different.title")}</strong></p><p>${t("verify.different.text", { name })}</p></div>`}
        </div>
        ${text && html`<p class="buttons">${contact.verified
          ? html`<button onClick=${() => mark("DELETE")}>${t("verify.undo")}</button>`
          : html`
            <button onClick=${() => setDifferent(true)}>${t("verify.different")}</button>
            <button class="primary" onClick=${() => mark("PUT")}>${t("verify.same")}</button>`}</p>`}
      </div>
    </section>`;
}
