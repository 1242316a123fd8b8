// @ts-check
// Messages of people who are no contacts: accepted, ignored, or blocked.

import { html, useEffect, useState } from "../vendor/preact.js";
import { data, soon } from "../data.js";
import { gaps, onNews } from "../live.js";
import { go } from "../places.js";
import { call, Problem } from "../session.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText } from "../parts.js";
import { Request } from "../chat/request.js";

/** @typedef {import("../chat/request.js").Stranger} Stranger */

const FEW = 30;

/** @param {boolean} isIgnored */
function useRequests(isIgnored) {
  const [found, setFound] = useState(/** @type {Stranger[] | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  async function read() {
    try {
      setFound((await call("GET", `/chat/requests${isIgnored ? "?ignored=1" : ""}`)).requests);
      setError(null);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setError(problem);
    }
    soon("requests");
  }
  useEffect(() => {
    setFound(null);
    read();
    const ends = [onNews(["chat.request", "chat.unread", "module.rebuilt"], read), gaps.listen(read)];
    return () => ends.forEach((end) => end());
  }, [isIgnored]);
  return { found, error, read };
}

export default function Requests() {
  const known = /** @type {import("../data.js").Data} */ (use(data));
  const [isIgnored, setIgnored] = useState(false);
  const [most, setMost] = useState(FEW);
  const { found, error, read } = useRequests(isIgnored);

  return html`<section class="requests">
    <header class="head"><h1>${t(isIgnored ? "requests.ignored.title" : "nav.requests")}</h1>
      <button type="button" class="quiet" onClick=${() => setIgnored(!isIgnored)}>${t(isIgnored ? "requests.back" : "requests.ignored.show")}</button>
    </header>
    <p class="hint">${t(isIgnored ? "requests.ignored.hint" : "requests.hint")}</p>
    <${ErrorText} error=${error} />
    ${found === null && !error && html`<p class="quiet" role="status">${t("loading")}</p>`}
    ${found?.length === 0 && html`<div class="card empty"><p>${t(isIgnored ? "requests.ignored.empty" : "requests.empty")}</p></div>`}
    ${(found || []).slice(0, most).map((each) => html`<${Request} key=${each.id} request=${each} known=${known} onDone=${read}
      onAccepted=${(/** @type {string} */ id) => go("chat", id)} />`)}
    ${found && found.length > most && html`<p><button type="button" onClick=${() => setMost(most + FEW)}>${t("requests.more", { n: found.length - most })}</button></p>`}
  </section>`;
}
