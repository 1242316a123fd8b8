// @ts-check
// What others can learn: each choice with what it gives and what it costs.

import { html } from "../vendor/preact.js";
import { t } from "../texts.js";
import { Choice, Field, number, useRead } from "./forms.js";

const TOR = "socks5://127.0.0.1:9050";

/** @param {{ settings: import("./forms.js").Settings, again: () => Promise<void> }} props */
export function Privacy({ settings, again }) {
  const status = useRead("/status", []);
  const { privacy } = settings;
  const proxy = status.value && status.value.proxy;
  return html`
    <p class="quiet">${t("privacy.text")}</p>
    <${Choice} name="privacy.introduce" title=${t("privacy.introduce")} hint=${t("privacy.introduce.hint")}
      value=${privacy.introduce} values=${["auto", "always", "never"]} again=${again} />
    <${Choice} name="privacy.acknowledge" title=${t("privacy.acknowledge")} hint=${t("privacy.acknowledge.hint")}
      value=${privacy.acknowledge} values=${["contacts", "never"]} again=${again} />
    ${privacy.acknowledge !== "never" && html`<${Field} name="privacy.acknowledge_delay" title=${t("privacy.acknowledge_delay")}
      label=${t("privacy.acknowledge_delay.label")} hint=${t("privacy.acknowledge_delay.hint")} value=${privacy.acknowledge_delay} again=${again}
      unit=${t("unit.seconds")} read=${number} input=${{ inputmode: "decimal" }} />`}
    <${Choice} name="privacy.shared_drops" title=${t("privacy.shared_drops")} hint=${t("privacy.shared_drops.hint")}
      value=${privacy.shared_drops} values=${[false, true]} again=${again} />
    <${Field} name="privacy.proxy" title=${t("privacy.proxy")} label=${t("privacy.proxy.label")} hint=${t("privacy.proxy.hint")}
      value=${privacy.proxy} again=${again} read=${(/** @type {string} */ typed) => typed || null}
      input=${{ placeholder: "socks5://HOST:PORT", autocapitalize: "off", spellcheck: "false", inputmode: "url" }}
      extra=${(/** @type {(value: string) => void} */ fill) => html`<button type="button" class="as-link" onClick=${() => fill(TOR)}>${t("privacy.proxy.tor")}</button>`} />
    ${proxy && proxy.source === "option" && html`<p class="hint">${t("privacy.proxy.option", { address: proxy.address })}</p>`}`;
}
