// @ts-check
// A copy of everything, and what this is.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { ErrorText } from "../parts.js";
import { t } from "../texts.js";
import { useRead } from "./forms.js";

export function BackUp() {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  async function make() {
    setBusy(true);
    setError(null);
    try {
      setMade(await call("POST", "/backup", {}));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }
  return html`
    <div class="card">
      <p>${t("backup.text")}</p>
      <p>${t("backup.key")}</p>
      <p><button class="primary" disabled=${isBusy} onClick=${make}>${t(isBusy ? "backup.busy" : "backup.make")}</button></p>
      <div role="status">${made && html`
        <p class="done">${t("backup.done")}</p>
        <dl class="facts">
          <dt>${t("backup.file")}</dt><dd><code>${made.path}</code> (${t("backup.size", { mb: (made.size / 1e6).toFixed(1) })})</dd>
          <dt>${t("backup.key.where")}</dt><dd>${made.key_file ? html`<code>${made.key_file}</code>` : html`<span lang="en">${made.key}</span>`}</dd>
        </dl>
        <p>${t("backup.keep")}</p>`}</div>
      <${ErrorText} error=${error} />
    </div>
    <div class="card"><h3>${t("backup.restore")}</h3><p>${t("backup.restore.text")}</p>
      <p><code>qabel restore BACKUP --data-dir FOLDER</code></p></div>`;
}

export function About() {
  const status = useRead("/status", []);
  return html`
    <div class="card">
      <p class="lead">Qabel ${status.value ? status.value.version : ""}</p>
      <p>${t("about.text")}</p>
      <ul>
        <li><a href="/docs" target="_blank" rel="noreferrer noopener">${t("about.docs")}</a></li>
        <li><a href="/openapi.json" target="_blank" rel="noreferrer noopener">${t("about.contract")}</a></li>
      </ul>
    </div>
    <div class="card"><h3>${t("about.licences")}</h3>
      <p>${t("about.licence")}</p>
      <p><a href="/console/static/vendor/README.txt" target="_blank" rel="noreferrer noopener">${t("about.vendor")}</a></p></div>`;
}
