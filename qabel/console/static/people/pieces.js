// @ts-check
// What several pages about people are made of.

import { html, useEffect, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { soon } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { ErrorText } from "../parts.js";

/** The way back to everybody, or to another place. @param {{ to?: string[], text?: string }} props */
export function Back({ to = ["people"], text }) {
  return html`<p class="back"><a href=${address(...to)}><span aria-hidden="true">←</span> ${text || t("nav.people")}</a></p>`;
}

/**
 * A form for another name.
 * @param {{ path: string, name: string, hint: string, isTitled?: boolean }} props what is renamed
 */
export function Rename({ path, name, hint, isTitled }) {
  const [typed, setTyped] = useState(name);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isDone, setDone] = useState(false);
  useEffect(() => setTyped(name), [name, path]);

  /** @param {Event} event */
  async function rename(event) {
    event.preventDefault();
    setError(null);
    try {
      await call("PATCH", path, { alias: typed.trim() });
      setDone(true);
      soon("people");
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    <form class="inline" onSubmit=${rename}>
      <label><span class=${isTitled ? "spoken" : ""}>${t("people.name.label")}</span>
        <input required maxlength="100" dir="auto" value=${typed} autocomplete="off"
          onInput=${(/** @type {any} */ e) => { setTyped(e.target.value); setDone(false); }} />
      </label>
      <button disabled=${typed.trim() === name || !typed.trim()}>${t("people.rename")}</button>
    </form>
    <p class="hint" role="status">${isDone ? t("people.renamed") : hint}</p>
    <${ErrorText} error=${error} />`;
}
