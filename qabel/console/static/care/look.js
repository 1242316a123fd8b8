// @ts-check
// How the page looks and speaks in this browser.

import { html, useState } from "../vendor/preact.js";
import { APPEARANCES, appearance, chooseAppearance } from "../appearance.js";
import { NotificationChoice } from "../chat/notifications.js";
import { use } from "../observable.js";
import { LANGUAGES, chooseLanguage, chosenLanguage, t } from "../texts.js";

export function Look() {
  const look = use(appearance);
  const [spoken, setSpoken] = useState(chosenLanguage());
  /** @param {string} chosen */
  function speak(chosen) {
    setSpoken(chosen);
    chooseLanguage(chosen);
  }
  return html`
    <p class="quiet">${t("look.text")}</p>
    <fieldset class="card setting"><legend>${t("look.appearance")}</legend>
      ${APPEARANCES.map((each) => html`<label class="option" key=${each}>
        <input type="radio" name="appearance" value=${each} checked=${look === each} onChange=${() => chooseAppearance(each)} />
        <span>${t(`look.${each}`)}</span></label>`)}
    </fieldset>
    <fieldset class="card setting"><legend>${t("look.language")}</legend>
      ${[["", t("look.browser")], ...Object.entries(LANGUAGES)].map(([each, name]) => html`<label class="option" key=${each}>
        <input type="radio" name="language" value=${each} checked=${spoken === each} onChange=${() => speak(each)} />
        <span lang=${each || null}>${name}</span></label>`)}
    </fieldset>`;
}

export function Notifications() {
  return html`
    <p class="quiet">${t("look.text")}</p>
    <div class="card"><${NotificationChoice} /></div>`;
}
