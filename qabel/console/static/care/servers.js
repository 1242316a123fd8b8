// @ts-check
// The drop servers: how each is, and adding, testing, preferring, pausing and removing.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { use } from "../observable.js";
import { Confirm, ErrorText } from "../parts.js";
import { ago, t } from "../texts.js";
import { AddServer, TestResult } from "./add-server.js";
import { GroupToken } from "./group-token.js";

/** @typedef {{ id: number, url: string, active: boolean, preferred: boolean, has_auth: boolean }} DropServer */

/** @param {{ status: any, again: () => Promise<void> }} props */
export function Servers({ status, again }) {
  const known = use(data);
  const [isAdding, setAdding] = useState(false);
  const servers = /** @type {DropServer[]} */ (known ? known.servers : []);
  const polled = /** @type {any[]} */ (status ? status.drop_servers : []);
  const others = polled.filter((each) => !servers.some((server) => isSame(server.url, each.server)));
  function changed() {
    soon("people");
    again();
  }
  return html`<section aria-labelledby="servers">
    <div class="heading"><h2 id="servers">${t("servers.title")}</h2>
      <button onClick=${() => setAdding(true)}>${t("servers.add")}</button></div>
    <p class="quiet">${t("servers.text")}</p>
    ${servers.length === 0 && html`<p class="card quiet">${t("servers.none")}</p>`}
    <ul class="plain">
      ${servers.map((each) => html`<li key=${each.id}>
        <${ServerCard} server=${each} polled=${polled.find((one) => isSame(each.url, one.server))} changed=${changed} /></li>`)}
      ${others.map((each) => html`<li key=${each.server}><article class="card server">
        <header><h3>${each.server}</h3><span class="pill">${t("servers.only-read")}</span></header><${How} polled=${each} /></article></li>`)}
    </ul>
    ${isAdding && html`<${AddServer} onClose=${() => setAdding(false)} onAdded=${changed} />`}
  </section>`;
}

/** @param {string} url @param {string} server */
function isSame(url, server) {
  return url.replace(/\/+$/, "") === server.replace(/\/+$/, "") || URL.parse?.(url)?.origin === server;
}

/** @param {{ server: DropServer, polled: any, changed: () => void }} props */
function ServerCard({ server, polled, changed }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [test, setTest] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState("");
  const [isRemoving, setRemoving] = useState(false);
  const [isAsking, setAsking] = useState(false);
  /** @param {string} name @param {() => Promise<unknown>} work */
  async function act(name, work) {
    setBusy(name);
    setError(null);
    setTest(null);
    try {
      await work();
      changed();
    } catch (problem) {
      setError(problem);
    }
    setBusy("");
  }
  const path = `/servers/${server.id}`;
  const tryIt = () => act("test", async () => setTest(await call("POST", "/servers/test", { url: server.url })));
  return html`<article class="card server" aria-label=${server.url}>
    <header><h3>${server.url}</h3>
      ${server.preferred && html`<span class="pill good">${t("servers.preferred")}</span>`}
      ${!server.active && html`<span class="pill warn">${t("servers.paused")}</span>`}
      ${server.has_auth && html`<span class="pill">${t("servers.closed")}</span>`}</header>
    ${polled ? html`<${How} polled=${polled} />` : html`<p class="quiet">${t("servers.unused")}</p>`}
    ${!server.active && html`<p class="hint">${t("servers.paused.text")}</p>`}
    <p class="buttons left">
      <button onClick=${tryIt} disabled=${busy !== ""}>${t(busy === "test" ? "servers.testing" : "servers.test")}</button>
      ${!server.preferred && server.active && html`<button disabled=${busy !== ""} title=${t("servers.prefer.text")}
        onClick=${() => act("prefer", () => call("POST", `${path}/prefer`))}>${t("servers.prefer")}</button>`}
      <button disabled=${busy !== ""} onClick=${() => act("pause", () => call("PATCH", path, { active: !server.active }))}>
        ${t(server.active ? "servers.pause" : "servers.resume")}</button>
      <button disabled=${busy !== ""} onClick=${() => setAsking(true)}>${t("servers.token")}</button>
      <button class="quiet" disabled=${busy !== ""} onClick=${() => setRemoving(true)}>${t("servers.remove")}</button>
    </p>
    <div role="status">${test && html`<${TestResult} test=${test} />`}</div>
    <${ErrorText} error=${error} />
    ${isAsking && html`<${GroupToken} server=${server} onClose=${() => setAsking(false)} onChanged=${changed} />`}
    ${isRemoving && html`<${Confirm} title=${t("servers.remove.title")} text=${t(server.has_auth ? "servers.remove.text.closed" : "servers.remove.text", { url: server.url })} action=${t("servers.remove")}
      onClose=${() => setRemoving(false)} onYes=${() => { setRemoving(false); act("remove", () => call("DELETE", path)); }} />`}
  </article>`;
}

/** How a server is, in plain words. @param {{ polled: any }} props */
function How({ polled }) {
  const isFailing = polled.failures > 0;
  const { last_success: last, full_reading: full } = polled;
  return html`<div class="how">
    <p class=${isFailing ? "error" : "fine"}>
      ${isFailing ? t("servers.failing", { n: polled.failures }) : last === null ? t("servers.not-yet") : t("servers.works")}
      ${last !== null && html` <span class="quiet">${t("servers.last", { ago: ago(last) })}</span>`}
      ${isFailing && last === null && html` <span class="quiet">${t("servers.never")}</span>`}</p>
    ${isFailing && html`<p class="hint" lang="en">${polled.last_error}</p><p class="hint">${t("servers.failing.text")}</p>`}
    <p class="hint">${way(polled)}</p>
    ${polled.not_stored && html`<p class="error">${t("servers.not-stored")} <span lang="en">${polled.not_stored}</span></p>`}
    ${polled.unencrypted && html`<p class="hint">${t("servers.unencrypted")}</p>`}
    ${polled.went_back !== null && html`<p class="hint">${t("servers.went-back", { ago: ago(polled.went_back) })}</p>`}
    ${full.failed && html`<p class="hint">${t("servers.full-failed")} <span lang="en">${full.failed}</span></p>`}
    ${full.last !== null && !full.failed && html`<p class="hint">${t("servers.full", { ago: ago(full.last) })}</p>`}
  </div>`;
}

/** Return how messages come from a server. @param {any} polled */
function way({ push, interval }) {
  const every = interval < 90 ? t("servers.seconds", { n: Math.round(interval) }) : t("servers.minutes", { n: Math.round(interval / 60) });
  if (push === "listening") return t("servers.push", { every });
  if (push === "connecting") return t("servers.connecting", { every });
  if (push === "not offered" || push === "off") return t("servers.polling", { every });
  return t("servers.push-fails", { every, why: push });
}
