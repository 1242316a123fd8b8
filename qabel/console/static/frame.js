// @ts-check
// The frame around all views: where one can go, and whether the daemon answers.

import { html, useEffect } from "./vendor/preact.js";
import { data, unread } from "./data.js";
import { address, place } from "./places.js";
import { t } from "./texts.js";
import { use } from "./observable.js";

const LINKS = /** @type {const} */ (["chat", "requests", "people", "search", "health", "settings"]);

const ICONS = {
  chat: "M4 5h16v11H9l-5 4z",
  requests: "M12 3a5 5 0 0 1 5 5v3l2 4H5l2-4V8a5 5 0 0 1 5-5zM10 18h4",
  people: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 20c0-4 3-6 7-6s7 2 7 6M17 4a4 4 0 0 1 0 7M18 14c3 1 4 3 4 6",
  search: "M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  health: "M3 12h4l3-7 4 14 3-7h4",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6",
};

/** @param {{ name: keyof typeof ICONS }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

/** @param {{ state: string, onLeave: () => void, children: any }} props */
export function Frame({ state, onLeave, children }) {
  const here = use(place);
  const known = use(data);
  const count = use(unread);
  useEffect(() => {
    document.title = `${count ? `(${count}) ` : ""}${t(`nav.${here.name || "chat"}`)} – Qabel`;
  }, [count, here.name]);
  const badges = { chat: count, requests: known ? known.requests : 0, health: known ? known.troubles.length : 0 };
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <nav class="nav" aria-label=${t("nav.label")}>
      ${LINKS.map((name) => html`
        <a key=${name} href=${address(name)} aria-current=${here.name === name ? "page" : null}>
          <${Icon} name=${name} />
          <span class="label">${t(`nav.${name}`)}</span>
          <span class="short" aria-hidden="true">${t(`short.${name}`)}</span>
          <${Badge} n=${badges[/** @type {keyof typeof badges} */ (name)] || 0} name=${name} />
        </a>`)}
      <button class="quiet leave" onClick=${onLeave}>${t("leave")}</button>
    </nav>
    <main id="main" class="main" tabindex="-1">
      ${state === "stranger" && html`<div class="card stranger" role="alert">
        <h2>${t("stranger.title")}</h2><p>${t("stranger.text")}</p><p><code>qabel doctor</code></p></div>`}
      ${state === "lost" && html`<p class="lost" role="status">${t("lost")}</p>`}
      ${children}
    </main>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {{ n: number, name: string }} props */
function Badge({ n, name }) {
  if (!n) return null;
  return html`<span class="badge"><span aria-hidden="true">${n > 99 ? "99+" : n}</span>
    <span class="spoken">${t(`badge.${name}`, { n })}</span></span>`;
}

/** A page that says one thing, and what to do. @param {{ title: string, text: string, code?: string }} props */
export function Notice({ title, text, code }) {
  return html`<main class="notice"><h1>${title}</h1><p>${text}</p>${code && html`<p><code>${code}</code></p>`}</main>`;
}
