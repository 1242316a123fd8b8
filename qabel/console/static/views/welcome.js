// @ts-check
// The first run: a name, and then who one is to others.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText } from "../parts.js";

export function Welcome() {
  const known = use(data);
  const [name, setName] = useState("");
  const [server, setServer] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const needsServer = known ? known.servers.length === 0 : false;

  /** @param {Event} event */
  async function begin(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      if (needsServer) await call("POST", "/servers", { url: server.trim() });
      await call("POST", "/identities", { alias: name.trim() });
      location.hash = "#/people/me";
    } catch (problem) {
      setError(problem);
    }
    soon("people");
    setBusy(false);
  }

  return html`
    <section class="card narrow">
      <h1>${t("welcome.title")}</h1>
      <p>${t("welcome.text")}</p>
      <form onSubmit=${begin}>
        <label>${t("welcome.name")}
          <input autofocus required maxlength="100" autocomplete="name" value=${name}
            onInput=${(/** @type {any} */ e) => setName(e.target.value)} />
        </label>
        ${needsServer && html`
          <label>${t("welcome.server")}
            <input required type="url" inputmode="url" placeholder="https://drop.example.org" value=${server}
              onInput=${(/** @type {any} */ e) => setServer(e.target.value)} />
          </label>
          <p class="hint">${t("welcome.server.hint")}</p>`}
        <${ErrorText} error=${error} />
        <button class="primary" disabled=${isBusy}>${t("welcome.go")}</button>
      </form>
    </section>`;
}
