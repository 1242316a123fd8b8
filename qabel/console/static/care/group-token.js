// @ts-check
// The token of the closed group that a drop server is for: set, or removed, and never shown.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { Dialog } from "../parts.js";
import { t } from "../texts.js";
import { errorsOf } from "./forms.js";

/** The field, as in a form. @param {{ value: string, error: string, onTyped: (value: string) => void }} props */
export function TokenField({ value, error, onTyped }) {
  return html`<label>${t("servers.auth")}
      <input type="password" autocomplete="off" spellcheck=${false} value=${value} aria-invalid=${error ? "true" : null}
        aria-describedby="auth-error auth-hint" onInput=${(/** @type {any} */ e) => onTyped(e.target.value)} /></label>
    <p id="auth-error" class="error" role="status">${error}</p>
    <p id="auth-hint" class="hint">${t("servers.auth.hint")}</p>`;
}

/** @param {{ server: { id: number, url: string, has_auth: boolean }, onClose: () => void, onChanged: () => void }} props */
export function GroupToken({ server, onClose, onChanged }) {
  const [auth, setAuth] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  /** @param {string} value */
  async function set(value) {
    setBusy(true);
    setError(null);
    try {
      await call("PATCH", `/servers/${server.id}`, { auth: value });
      onChanged();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }
  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    if (auth.trim()) set(auth.trim());
  }
  return html`<${Dialog} title=${t("servers.token.title")} onClose=${onClose}>
    <form onSubmit=${submit} noValidate>
      <p>${t("servers.token.text", { url: server.url })}</p>
      <${TokenField} value=${auth} error=${error ? errorsOf(error, "auth") : ""} onTyped=${setAuth} />
      <p class="buttons">
        ${server.has_auth && html`<button type="button" disabled=${isBusy} onClick=${() => set("")}>${t("servers.token.remove")}</button>`}
        <button class="primary" disabled=${isBusy || !auth.trim()}>${t("servers.token.set")}</button>
      </p>
    </form>
  <//>`;
}
