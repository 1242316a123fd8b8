// @ts-check
// Adding a drop server, which is tested first.

import { html, useState } from "../vendor/preact.js";
import { call, Problem } from "../session.js";
import { Dialog } from "../parts.js";
import { t } from "../texts.js";
import { errorsOf } from "./forms.js";
import { TokenField } from "./group-token.js";

/** @typedef {{ ok: boolean, found: string, detail: string, checks: { name: string, ok: boolean, detail: string }[] }} Test */

/** @param {{ onClose: () => void, onAdded: () => void }} props */
export function AddServer({ onClose, onAdded }) {
  const [url, setUrl] = useState("");
  const [auth, setAuth] = useState("");
  const [test, setTest] = useState(/** @type {Test | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const values = () => ({ url: url.trim(), ...(auth.trim() ? { auth: auth.trim() } : {}) });

  /** Add it, if it works or the user wants it all the same. @param {boolean} isTested */
  async function add(isTested) {
    setBusy(true);
    setError(null);
    try {
      if (!isTested) {
        const result = await call("POST", "/servers/test", values());
        setTest(result);
        if (!result.ok) return;
      }
      await call("POST", "/servers", values());
      onAdded();
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    add(false);
  }
  /** @param {(value: string) => void} set @returns {(value: string) => void} */
  const typed = (set) => (value) => {
    set(value);
    setTest(null);
    setError(null);
  };
  const isAboutToken = error instanceof Problem && error.errors.some((each) => each.key === "auth");
  const said = error && !isAboutToken ? errorsOf(error, "url") : "";
  return html`<${Dialog} title=${t("servers.add")} onClose=${onClose}>
    <form onSubmit=${submit} noValidate>
      <label>${t("servers.url")}
        <input required type="url" inputmode="url" placeholder="https://drop.example.org" value=${url}
          aria-invalid=${said ? "true" : null} aria-describedby="url-error" onInput=${(/** @type {any} */ e) => typed(setUrl)(e.target.value)} /></label>
      <p id="url-error" class="error" role="status">${said}</p>
      <details open=${isAboutToken || test?.found === "closed-group" || null}><summary>${t("servers.access")}</summary>
        <${TokenField} value=${auth} error=${isAboutToken ? errorsOf(error, "auth") : ""} onTyped=${typed(setAuth)} /></details>
      <div role="status">${test && html`<${TestResult} test=${test} />`}</div>
      <p class="buttons">
        ${test && !test.ok && html`<button type="button" disabled=${isBusy} onClick=${() => add(true)}>${t("servers.add.anyway")}</button>`}
        <button class="primary" disabled=${isBusy || !url.trim()}>${t(isBusy ? "servers.testing" : "servers.add.go")}</button>
      </p>
    </form>
  <//>`;
}

/** What a test has found. @param {{ test: Test }} props */
export function TestResult({ test }) {
  return html`<div class="test">
    <p class=${test.ok ? "done" : "error"}>${t(test.ok ? "servers.test.ok" : `servers.test.${test.found}`)}</p>
    ${!test.ok && html`<p class="hint" lang="en">${test.detail}</p>`}
    <ul class="checks">${test.checks.map((each) => html`<li key=${each.name} class=${each.ok ? "ok" : "no"}>
      ${t(`servers.check.${each.name}.${each.ok ? "ok" : "no"}`)}</li>`)}</ul>
  </div>`;
}
