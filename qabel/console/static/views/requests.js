// @ts-check
import { html } from "../vendor/preact.js";
import { t } from "../texts.js";

export default function View() {
  return html`<section><h1>${t("nav.requests")}</h1></section>`;
}
