// @ts-check
// The page: who comes in, which view is shown, and the frame around it.

import { html, render, useEffect } from "./vendor/preact.js";
import { assure, comeIn, connection, leave, lose, wasRefused } from "./session.js";
import { follow } from "./live.js";
import { data, load } from "./data.js";
import { go, place } from "./places.js";
import { use } from "./observable.js";
import { goOn } from "./chat/background.js";
import { loadTexts, t, language } from "./texts.js";
import { loadAppearance } from "./appearance.js";
import { Frame, Notice } from "./frame.js";
import { Welcome } from "./views/welcome.js";

/** @type {Record<string, () => Promise<{ default: (props: any) => any }>>} */
const VIEWS = {
  chat: () => import("./views/chat.js"),
  requests: () => import("./views/requests.js"),
  people: () => import("./views/people.js"),
  welcome: () => import("./views/waiting.js"),
  search: () => import("./views/search.js"),
  health: () => import("./views/health.js"),
  settings: () => import("./views/settings.js"),
};

/** The views that need the module chat. */
const OF_CHAT = ["chat", "requests", "search"];

/** @type {Record<string, (props: any) => any>} */
const loaded = {};

/**
 * Load the script of a view. All are loaded at the start: once the daemon has gone, another program
 * on its port could give the page a script of its own.
 * @param {string} name
 */
async function loadView(name) {
  if (loaded[name]) return;
  await assure();
  loaded[name] = (await VIEWS[name]()).default;
  place.set({ ...place.value });
}

/** Show the view of the present place. */
function View() {
  const here = use(place);
  const known = use(data);
  const name = here.name in VIEWS ? here.name : "chat";
  const Shown = loaded[name];
  useEffect(() => {
    loadView(name).catch(() => lose());
  }, [name, known]);
  if (!known) return html`<p class="quiet" role="status">${t("loading")}</p>`;
  if (known.identities.length === 0) return html`<${Welcome} />`;
  if (!known.hasChat && OF_CHAT.includes(name)) {
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
    for (const name of Object.keys(VIEWS)) loadView(name).catch(() => lose());
    if (!place.value.name) go("chat");
  }
}

begin();
