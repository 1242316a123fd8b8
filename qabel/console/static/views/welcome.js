// @ts-check
// The first run: a name, a server if there is none, and then who one is to others.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText } from "../parts.js";

export default function Welcome() {
  const known = use(data);
  const [name, setName] = useState("");
  const [server, setServer] = useState("");
  const [token, setToken] = useState("");
  const [step, setStep] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [trouble, setTrouble] = useState(/** @type {{ found: string, detail: string } | null} */ (null));
  // Of a server in the local network it is not known whether it wants one.
  const asksForToken = token !== "" || ["closed-group", "nothing-near"].includes(trouble?.found ?? "");
  const needsServer = known ? !known.servers.some((each) => each.active) : false;

  /**
   * @param {Event} event
   * @param {boolean} [isSure] whether the server is taken as it is
   */
  async function begin(event, isSure = false) {
    event.preventDefault();
    setError(null);
    setTrouble(null);
    try {
      if (needsServer) {
        setStep("welcome.trying");
        const problem = await addServer(server.trim(), token.trim(), isSure);
        soon("people");
        if (problem) {
          setTrouble(problem);
          setStep("");
          return;
        }
      }
      setStep("welcome.making");
      const made = await call("POST", "/identities", { alias: name.trim() });
      location.hash = address("welcome", String(made.id));
    } catch (problem) {
      setError(problem);
    }
    soon("people");
    setStep("");
  }

  return html`
    <section class="card narrow people first-run">
      <img src="/console/static/icon.svg" alt="" width="56" height="56" />
      <h1>${t("welcome.title")}</h1>
      <p>${t("welcome.text")}</p>
      <form onSubmit=${begin}>
        <label>${t("welcome.name")}
          <input autofocus required maxlength="100" autocomplete="name" dir="auto" value=${name}
            onInput=${(/** @type {any} */ e) => setName(e.target.value)} />
        </label>
        ${needsServer && html`
          <label>${t("welcome.server")}
            <input required type="url" inputmode="url" placeholder="https://drop.example.org" value=${server}
              aria-describedby="server-hint"
              onInput=${(/** @type {any} */ e) => { setServer(e.target.value); setTrouble(null); }} />
          </label>
          <p class="hint" id="server-hint">${t("welcome.server.hint")}</p>`}
        ${needsServer && asksForToken && html`
          <label>${t("welcome.token")}
            <input type="password" autocomplete="off" value=${token} aria-describedby="token-hint"
              onInput=${(/** @type {any} */ e) => setToken(e.target.value)} />
          </label>
          <p class="hint" id="token-hint">${t("welcome.token.hint")}</p>`}
        ${trouble && html`
          <div class="warning" role="alert">
            <p><strong>${t(`welcome.found.${trouble.found}`)}</strong></p>
            ${trouble.detail && html`<p class="quiet" lang="en">${trouble.detail}</p>`}
            <p class="buttons"><button type="button" onClick=${(/** @type {Event} */ e) => begin(e, true)}>${t("welcome.anyway")}</button></p>
          </div>`}
        <${ErrorText} error=${error} />
        <p class="buttons left"><button class="primary" disabled=${step !== ""}>${t("welcome.go")}</button></p>
        <p class="hint" role="status">${step && t(step)}</p>
      </form>
      <details>
        <summary>${t("welcome.moving")}</summary>
        <p>${t("welcome.moving.text")}</p>
        <p>${t("welcome.moving.backup")} <code>qabel restore</code></p>
        <p>${t("welcome.moving.identity")} <code>qabel identity import</code></p>
      </details>
    </section>`;
}

/**
 * Try a drop server, and keep it if it works. Returns what is wrong with it, or null. Throws a Problem.
 * @param {string} url
 * @param {string} token of the closed group that it is for, or ""
 * @param {boolean} isSure whether it is kept in any case
 * @returns {Promise<{ found: string, detail: string } | null>}
 */
async function addServer(url, token, isSure) {
  const server = token ? { url, auth: token } : { url };
  if (!isSure) {
    const tried = await call("POST", "/servers/test", server);
    // A page may not explore the user's network: servers there can be tried only once they are added.
    const isNear = tried.found === "unknown";
    if (!tried.ok && !isNear) return tried;
    if (isNear) {
      const added = await call("POST", "/servers", server);
      const again = await call("POST", "/servers/test", { url });
      if (again.ok) return null;
      await call("DELETE", `/servers/${added.id}`);
      return { found: "nothing-near", detail: "" };
    }
  }
  await call("POST", "/servers", server);
  return null;
}
