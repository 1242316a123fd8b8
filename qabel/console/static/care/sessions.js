// @ts-check
// The browsers that are logged in, and the programs that have a token.

import { html, useState } from "../vendor/preact.js";
import { call, leave, sessionId } from "../session.js";
import { Confirm, ErrorText } from "../parts.js";
import { ago, fullTime, has, t } from "../texts.js";
import { useRead } from "./forms.js";

/** @typedef {{ id: number, name: string, scopes: string[], identity_id: number | null, created: number, last_used: number | null, ends: number | null }} Token */

const EVERY = 15_000;

export function Sessions() {
  const tokens = useRead("/tokens", [], EVERY);
  const [revoked, setRevoked] = useState(/** @type {Token | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const own = sessionId();
  const all = /** @type {Token[]} */ (tokens.value || []);
  const browsers = all.filter((each) => each.ends !== null).sort(
    (one, other) => Number(other.id === own) - Number(one.id === own) || (other.last_used || other.created) - (one.last_used || one.created),
  );
  const programs = all.filter((each) => each.ends === null);
  async function revoke() {
    const token = revoked;
    setRevoked(null);
    setError(null);
    if (!token) return;
    if (token.id === own) return leave();
    try {
      await call("DELETE", `/tokens/${token.id}`);
    } catch (problem) {
      setError(problem);
    }
    await tokens.again();
  }
  /** @param {Token} each */
  const row = (each) => html`<li key=${each.id}><${Row} token=${each} isOwn=${each.id === own} onRevoke=${() => setRevoked(each)} /></li>`;
  return html`
    <p class="quiet">${t("sessions.text")}</p>
    <${ErrorText} error=${error || (tokens.value ? null : tokens.error)} />
    <h3 id="browsers">${t("sessions.browsers")}</h3>
    <ul class="card plain rows" aria-labelledby="browsers">${browsers.map(row)}</ul>
    <h3 id="programs">${t("sessions.programs")}</h3>
    <ul class="card plain rows" aria-labelledby="programs">
      ${programs.length === 0 && html`<li class="quiet">${t("sessions.programs.none")}</li>`}
      ${programs.map(row)}</ul>
    ${revoked && html`<${Confirm} title=${t(revoked.id === own ? "sessions.leave.title" : "sessions.revoke.title", { name: revoked.name })}
      text=${t(revoked.id === own ? "sessions.leave.text" : "sessions.revoke.text")} action=${t(revoked.id === own ? "leave" : "sessions.revoke")}
      onYes=${revoke} onClose=${() => setRevoked(null)} />`}`;
}

/** @param {{ token: Token, isOwn: boolean, onRevoke: () => void }} props */
function Row({ token, isOwn, onRevoke }) {
  const may = token.scopes.map((each) => (has(`scope.${each}`) ? t(`scope.${each}`) : each));
  const facts = [
    token.last_used === null ? t("sessions.unused") : t("sessions.used", { ago: ago(token.last_used) }),
    t("sessions.since", { time: fullTime(token.created) }),
  ];
  if (token.ends !== null) facts.push(t("sessions.ends", { ago: ago(token.ends) }));
  return html`<div class="row">
    <div>
      <p class="lead"><bdi>${token.name}</bdi> ${isOwn && html`<span class="pill good">${t("sessions.this")}</span>`}</p>
      <p class="hint">${facts.join(" · ")}</p>
      ${token.ends === null && html`<p class="hint">${t("sessions.may", { what: may.join(", ") })}</p>`}
    </div>
    <button onClick=${onRevoke} aria-label=${isOwn ? null : t("sessions.revoke.name", { name: token.name })}>${t(isOwn ? "leave" : "sessions.revoke")}</button>
  </div>`;
}
