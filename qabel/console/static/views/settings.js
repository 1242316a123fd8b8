// @ts-check
// Settings, in sections that have addresses of their own.

import { html } from "../vendor/preact.js";
import { ErrorText } from "../parts.js";
import { address } from "../places.js";
import { t } from "../texts.js";
import { useRead } from "../care/forms.js";
import { Privacy } from "../care/privacy.js";
import { Inbox } from "../care/inbox.js";
import { Look, Notifications } from "../care/look.js";
import { Sessions } from "../care/sessions.js";
import { About, BackUp } from "../care/backup.js";

const SECTIONS = { privacy: Privacy, inbox: Inbox, look: Look, notifications: Notifications, sessions: Sessions, backup: BackUp, about: About };

/** The sections that show what the daemon keeps. */
const OF_DAEMON = ["privacy", "inbox"];

/** @param {{ id?: string }} props */
export default function Settings({ id = "privacy" }) {
  const settings = useRead("/settings", ["settings"]);
  const here = id in SECTIONS ? /** @type {keyof typeof SECTIONS} */ (id) : "privacy";
  const Section = SECTIONS[here];
  const isReady = settings.value || !OF_DAEMON.includes(here);
  return html`<div class="page settings">
    <h1>${t("nav.settings")}</h1>
    <div class="columns">
      <nav class="sections" aria-label=${t("settings.sections")}>
        ${Object.keys(SECTIONS).map((each) => html`<a key=${each} href=${address("settings", each)} aria-current=${each === here ? "page" : null}>${t(`settings.${each}`)}</a>`)}
      </nav>
      <section aria-labelledby="section">
        <h2 id="section">${t(`settings.${here}`)}</h2>
        ${isReady ? html`<${Section} key=${here} settings=${settings.value} again=${settings.again} />`
          : settings.error ? html`<${ErrorText} error=${settings.error} />` : html`<p class="quiet" role="status">${t("loading")}</p>`}
      </section>
    </div>
  </div>`;
}
