// @ts-check
// Whether all is well, what is wrong and what to do about it, and the parts: servers, disk, modules.

import { html } from "../vendor/preact.js";
import { ErrorText } from "../parts.js";
import { ago, fullTime, has, t } from "../texts.js";
import { useRead } from "../care/forms.js";
import { Servers } from "../care/servers.js";

/** @typedef {{ kind: string, what: string, advice: string, unhealthy: boolean, since: number }} Trouble */

const EVERY = 10_000;

export default function Health() {
  const status = useRead("/status", ["synced"], EVERY);
  const modules = useRead("/modules", ["module.rebuilt", "module.behind"], EVERY);
  const seen = status.value;
  return html`<div class="page">
    <h1>${t("nav.health")}</h1>
    <${ErrorText} error=${seen ? null : status.error} />
    ${seen && html`<${Troubles} troubles=${seen.trouble_details} />`}
    <${Servers} status=${seen} again=${status.again} />
    ${seen && html`<${Storage} status=${seen} />`}
    ${modules.value && html`<${Modules} modules=${modules.value} />`}
  </div>`;
}

/** @param {{ troubles: Trouble[] }} props */
function Troubles({ troubles }) {
  return html`<section aria-labelledby="troubles" aria-live="polite">
    <h2 id="troubles" class="spoken">${t("health.troubles")}</h2>
    ${troubles.length === 0
      ? html`<div class="card condition good"><span class="condition-sign" aria-hidden="true">✓</span><div><p class="lead">${t("health.good")}</p>
          <p class="quiet">${t("health.good.text")}</p></div></div>`
      : html`<ul class="plain">${troubles.map((each, index) => html`<li key=${each.kind + index}><${TroubleCard} trouble=${each} /></li>`)}</ul>`}
  </section>`;
}

/** @param {{ trouble: Trouble }} props */
function TroubleCard({ trouble }) {
  const title = `trouble.${trouble.kind}`;
  return html`<article class=${`card condition ${trouble.unhealthy ? "bad" : "warn"}`}>
    <span class="condition-sign" aria-hidden="true">!</span>
    <div>
      <h3>${has(title) ? t(title) : html`<span lang="en">${trouble.what}</span>`}</h3>
      <p>${has(`${title}.do`) ? t(`${title}.do`) : html`<span lang="en">${trouble.advice}</span>`}</p>
      <p class="hint">${t("health.since", { ago: ago(trouble.since), time: fullTime(trouble.since) })}</p>
      <details><summary>${t("health.details")}</summary>
        <p class="quiet" lang="en">${trouble.what}</p><p class="quiet" lang="en">${trouble.advice}</p></details>
    </div>
  </article>`;
}

/** @param {{ status: any }} props */
function Storage({ status }) {
  const kinds = status.trouble_details.map((/** @type {Trouble} */ each) => each.kind);
  const isLow = kinds.includes("disk_low");
  const damaged = kinds.find((/** @type {string} */ each) => each.startsWith("store") || each === "damage");
  const { outbox, strangers } = status;
  return html`<section aria-labelledby="storage"><h2 id="storage">${t("health.storage")}</h2>
    <dl class="card facts">
      <dt>${t("health.disk")}</dt>
      <dd class=${status.disk.full ? "error" : ""}>${status.disk.full ? t("health.disk.full", { ago: ago(status.disk.full_since) }) : t(isLow ? "health.disk.low" : "health.disk.good")}</dd>
      <dt>${t("health.database")}</dt>
      <dd class=${damaged ? "error" : ""}>${t(damaged ? `trouble.${damaged}` : "health.database.good")}</dd>
      <dt>${t("health.inbox")}</dt><dd>${t("health.inbox.n", { n: status.inbox.messages })}</dd>
      ${outbox && html`<dt>${t("health.outbox")}</dt>
        <dd>${outbox.queued ? t("health.outbox.n", { n: outbox.queued }) : t("health.outbox.none")}</dd>`}
      ${strangers && html`<dt>${t("health.strangers")}</dt>
        <dd>${t("health.strangers.n", { kept: size(strangers.kept_bytes), quota: size(strangers.quota_bytes) })}
          ${strangers.refused > 0 && html` ${t("health.strangers.refused", { n: strangers.refused })}`}</dd>`}
      ${status.proxy && html`<dt>${t("health.proxy")}</dt>
        <dd class=${status.proxy.error ? "error" : ""}>${status.proxy.address}${status.proxy.error && html`: <span lang="en">${status.proxy.error}</span>`}</dd>`}
    </dl></section>`;
}

/** Return a number of bytes as people write it. @param {number} bytes */
function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** @param {{ modules: any[] }} props */
function Modules({ modules }) {
  return html`<section aria-labelledby="modules"><h2 id="modules">${t("health.modules")}</h2>
    <ul class="card plain rows">
      ${modules.length === 0 && html`<li class="quiet">${t("health.modules.none")}</li>`}
      ${modules.map((each) => html`<li key=${each.name} class="row">
        <div><strong>${each.name}</strong> <span class="quiet" lang="en">${each.summary}</span>
          ${each.reason && html`<p class="error" lang="en">${each.reason}</p>`}
          ${each.set_aside > 0 && html`<p class="hint">${t("health.module.aside", { n: each.set_aside })}</p>`}</div>
        <span class=${`pill ${{ running: "good", failed: "bad", building: "warn" }[/** @type {"running"} */ (each.state)] || ""}`}>
          ${t(`health.module.${each.state}`, { percent: Math.floor(each.done * 100) })}</span>
      </li>`)}
    </ul></section>`;
}
