// @ts-check
// The page: who comes in, which view is shown, and the frame around it.

import { html, render, useEffect } from "./vendor/preact.js";
import { assure, comeIn, connection, leave, lose, wasRefused } from "./session.js";
import { follow } from "./live.js";
import { data, load } from "./data.js";
import { go, place, placeInAddress } from "./places.js";
import { use } from "./observable.js";
import { goOn } from "./chat/background.js";
import { loadTexts, loadTextsOf, t, language } from "./texts.js";
import { loadAppearance } from "./appearance.js";
import { Frame, Notice } from "./frame.js";

/**
 * The views: their scripts, and which texts and styles they need beside the common ones.
 * @type {Record<string, { script: () => Promise<{ default: (props: any) => any }>, needs?: string }>}
 */
const VIEWS = {
  chat: { script: () => import("./views/chat.js") },
  requests: { script: () => import("./views/requests.js") },
  search: { script: () => import("./views/search.js") },
  people: { script: () => import("./views/people.js"), needs: "people" },
  welcome: { script: () => import("./views/waiting.js"), needs: "people" },
  first: { script: () => import("./views/welcome.js"), needs: "people" },
  health: { script: () => import("./views/health.js"), needs: "care" },
  settings: { script: () => import("./views/settings.js"), needs: "care" },
};

/** The views that need the module chat. */
const OF_CHAT = ["chat", "requests", "search"];

/** Milliseconds after which the other views are loaded, so that they are there if the daemon is not. */
const LATER = 5000;

/** @type {Record<string, (props: any) => any>} */
const loaded = {};

/**
 * Load a view, once the daemon has shown that it is the same one: another program on its port could
 * give the page a script of its own.
 * @param {string} name
 */
async function loadView(name) {
  if (loaded[name]) return;
  await assure();
  const { script, needs } = VIEWS[name];
  const [module] = await Promise.all([script(), ...(needs ? [loadTextsOf(needs), loadStyle(needs)] : [])]);
  loaded[name] = module.default;
  place.set({ ...place.value });
}

async function loadOtherViews() {
  for (const name of Object.keys(VIEWS)) await loadView(name);
  await (await import("./views/chat.js")).loadConversation();
}

/** Load a style sheet, once. @param {string} name */
function loadStyle(name) {
  const path = `/console/static/styles/${name}.css`;
  if (document.querySelector(`link[href="${path}"]`)) return null;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = path;
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error(path));
    };
    document.head.append(link);
  });
}

/** Show the view of the present place. */
function View() {
  const here = use(place);
  const known = use(data);
  const isFirst = known !== null && known.identities.length === 0;
  const name = isFirst ? "first" : here.name in VIEWS ? here.name : "chat";
  const Shown = loaded[name];
  const isMissing = known !== null && !known.hasChat && OF_CHAT.includes(name);
  useEffect(() => {
    if (known && !isMissing) loadView(name).catch(() => lose());
  }, [name, known]);
  if (!known) return html`<p class="quiet" role="status">${t("loading")}</p>`;
  if (isMissing) {
    return html`<section class="card narrow"><h1>${t("no-chat.title")}</h1><p>${t("no-chat.text")}</p><p><code>--no-module chat</code></p></section>`;
  }
  return Shown ? html`<${Shown} ...${here} key=${name} />` : html`<p class="quiet">${t("loading")}</p>`;
}

function Page() {
  const state = use(connection);
  use(language);
  if (state === "outside") {
    const text = `${wasRefused ? `${t("outside.used")} ` : ""}${t("outside.text")}`;
    return html`<${Notice} title=${t("outside.title")} text=${text} code="qabel open" />`;
  }
  if (state === "ended") return html`<${Notice} title=${t("ended.title")} text=${t("ended.text")} code="qabel open" />`;
  return html`<${Frame} state=${state} onLeave=${leave}><${View} /><//>`;
}

async function begin() {
  const root = document.getElementById("app");
  if (!root) return;
  loadAppearance();
  await loadTexts();
  await comeIn();
  render(html`<${Page} />`, root);
  if (connection.value !== "outside") {
    await load();
    follow();
    goOn();
    setTimeout(() => loadOtherViews().catch(() => lose()), LATER);
    // Somebody may have followed a link meanwhile.
    if (!placeInAddress().name) go("chat");
  }
}

begin();
