// @ts-check
// Who the user is to others: identities, each with its card.

import { html, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { Avatar, Dialog, ErrorText } from "../parts.js";
import { Card } from "./card.js";
import { Back, Rename } from "./pieces.js";

export function Mine() {
  const known = use(data);
  const [isAdding, setAdding] = useState(false);
  if (!known) return null;
  return html`
    <section class="people">
      <${Back} />
      <header class="title">
        <h1>${t("mine.title")}</h1>
        <p class="buttons"><button onClick=${() => setAdding(true)}>${t("mine.add")}</button></p>
      </header>
      <p class="quiet">${t("mine.text")}</p>
      ${known.identities.map((each) => html`<${One} key=${each.id} identity=${each} />`)}
      ${isAdding && html`<${Another} onClose=${() => setAdding(false)} />`}
    </section>`;
}

/** @param {{ identity: import("../data.js").Identity }} props */
function One({ identity }) {
  return html`
    <article class="card" aria-label=${identity.alias}>
      <header class="head">
        <${Avatar} name=${identity.alias} seed=${identity.public_key} />
        <h2><bdi>${identity.alias}</bdi></h2>
      </header>
      <${Card} identity=${identity} />
      <details>
        <summary>${t("mine.rename")}</summary>
        <${Rename} path=${`/identities/${identity.id}`} name=${identity.alias} hint=${t("mine.rename.hint")} />
      </details>
    </article>`;
}

/** @param {{ onClose: () => void }} props */
function Another({ onClose }) {
  const [name, setName] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));

  /** @param {Event} event */
  async function add(event) {
    event.preventDefault();
    setError(null);
    try {
      await call("POST", "/identities", { alias: name.trim() });
      soon("people");
      onClose();
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    <${Dialog} title=${t("mine.add")} onClose=${onClose}>
      <form onSubmit=${add}>
        <p>${t("mine.add.text")}</p>
        <label>${t("welcome.name")}
          <input autofocus required maxlength="100" dir="auto" value=${name}
            onInput=${(/** @type {any} */ e) => setName(e.target.value)} />
        </label>
        <${ErrorText} error=${error} />
        <p class="buttons"><button type="button" onClick=${onClose}>${t("cancel")}</button><button class="primary">${t("mine.add.go")}</button></p>
      </form>
    <//>`;
}
