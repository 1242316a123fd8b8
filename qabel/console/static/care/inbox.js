// @ts-check
// What is kept of what arrives, for how long, and how often the daemon looks.

import { html } from "../vendor/preact.js";
import { t } from "../texts.js";
import { Choice, Field, number } from "./forms.js";

/** @param {{ settings: import("./forms.js").Settings, again: () => Promise<void> }} props */
export function Inbox({ settings, again }) {
  const { inbox } = settings;
  return html`
    <${Choice} name="inbox.strangers" title=${t("inbox.strangers")} hint=${t("inbox.strangers.hint")}
      value=${inbox.strangers} values=${["keep", "introduced", "refuse"]} again=${again} />
    <${Field} name="inbox.stranger_quota" title=${t("inbox.stranger_quota")} label=${t("inbox.stranger_quota.label")} hint=${t("inbox.stranger_quota.hint")}
      value=${inbox.stranger_quota} again=${again} unit="MiB" read=${number} input=${{ inputmode: "numeric" }} />
    <${Field} name="inbox.keep_days" title=${t("inbox.keep_days")} label=${t("inbox.keep_days.label")} hint=${t("inbox.keep_days.hint")}
      value=${inbox.keep_days} again=${again} unit=${t("unit.days")} read=${number} input=${{ inputmode: "numeric", placeholder: t("inbox.keep_days.never") }}
      ask=${(/** @type {any} */ days) => typeof days === "number" && days >= 1 && (inbox.keep_days === null || days < inbox.keep_days)} />
    ${inbox.unknown_kinds && html`<${Choice} name="inbox.unknown_kinds" title=${t("inbox.unknown_kinds")} hint=${t("inbox.unknown_kinds.hint")}
      value=${inbox.unknown_kinds} values=${["keep", "refuse"]} again=${again} />`}
    <${Field} name="poll_interval" title=${t("poll_interval")} label=${t("poll_interval.label")} hint=${t("poll_interval.hint")}
      value=${settings.poll_interval} again=${again} unit=${t("unit.seconds")} read=${number} input=${{ inputmode: "decimal" }} />`;
}
