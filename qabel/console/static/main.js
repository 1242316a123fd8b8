// @ts-check
// The page: who comes in, which view is shown, and the frame around it.

import { html, render, useEffect } from "./vendor/preact.js";
import { comeIn, connection, leave } from "./session.js";
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

/** @type {Record<string, (props: any) => any>} */
const loaded = {};

/** Show the view of the present place; its file is loaded when it is needed. */
function View() {
  const here = use(place);
  const known = use(data);
  const name = here.name in VIEWS ? here.name : "chat";
  const Shown = loaded[name];
  useEffect(() => {
    if (!Shown) {
      VIEWS[name]().then((module) => {
        loaded[name] = module.default;
        place.set({ ...place.value });
      }, () => connection.set("lost"));
    }
  }, [name]);
  if (!known) return html`<p class="quiet" role="status">${t("loading")}</p>`;
  if (known.identities.length === 0) return html`<${Welcome} />`;
  return Shown ? html`<${Shown} ...${here} key=${name} />` : html`<p class="quiet">${t("loading")}</p>`;
}

function Page() {
  const state = use(connection);
  use(language);
  if (state === "outside") return html`<${Notice} title=${t("outside.title")} text=${t("outside.text")} code="qabel open" />`;
  if (state === "ended") return html`<${Notice} title=${t("ended.title")} text=${t("ended.text")} code="qabel open" />`;
  if (state === "stranger") return html`<${Notice} title=${t("stranger.title")} text=${t("stranger.text")} code="qabel doctor" />`;
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
    if (!place.value.name) go("chat");
  }
}

begin();
