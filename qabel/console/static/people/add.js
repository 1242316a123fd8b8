// @ts-check
// Taking in the cards of others: from a file, a picture, the camera, or a text.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { call } from "../session.js";
import { data, soon } from "../data.js";
import { t } from "../texts.js";
import { use } from "../observable.js";
import { ErrorText, explain } from "../parts.js";
import { Camera } from "./camera.js";
import { readPicture } from "./codes.js";
import { Outcomes } from "./outcomes.js";
import { Back } from "./pieces.js";

/** @typedef {import("./outcomes.js").Outcome} Outcome */

/** For which identity was added last; others are probably for the same. */
let lastOwner = 0;

export function Add() {
  const known = use(data);
  const [owner, setOwner] = useState(lastOwner);
  const [text, setText] = useState("");
  const [outcomes, setOutcomes] = useState(/** @type {Outcome[] | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [isOver, setOver] = useState(false);
  const [isLooking, setLooking] = useState(false);
  const result = useRef(/** @type {HTMLElement | null} */ (null));
  const identities = known ? known.identities : [];
  const chosen = identities.some((each) => each.id === owner) ? owner : identities[0]?.id;

  useEffect(() => {
    // A picture or a file that is pasted anywhere.
    const pasted = (/** @type {ClipboardEvent} */ event) => {
      const files = [...(event.clipboardData?.files || [])];
      if (files.length === 0) return;
      event.preventDefault();
      take(files);
    };
    addEventListener("paste", pasted);
    return () => removeEventListener("paste", pasted);
  }, [chosen]);
  useEffect(() => {
    if (outcomes || error) result.current?.focus();
  }, [outcomes, error]);

  /** @param {(() => Promise<Outcome[]>)} work */
  async function attempt(work) {
    setBusy(true);
    setError(null);
    setOutcomes(null);
    try {
      setOutcomes(await work());
      soon("people");
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  }

  /** @param {Blob | string} document @returns {Promise<Outcome[]>} */
  function bring(document) {
    lastOwner = chosen;
    const file = new Blob([document], { type: "application/octet-stream" });
    return call("POST", `/contacts/import?identity=${chosen}`, undefined, {
      file, headers: { "Content-Type": "application/octet-stream" },
    });
  }

  /** @param {File[]} files */
  function take(files) {
    return attempt(async () => {
      /** @type {Outcome[]} */
      const all = [];
      for (const file of files) {
        try {
          all.push(...await bring(file.type.startsWith("image/") ? await textOf(file) : file));
        } catch (problem) {
          if (files.length === 1) throw problem;
          all.push({ number: 1, alias: file.name, outcome: "refused", reason: explain(problem) });
        }
      }
      return all;
    });
  }

  /** @param {Event} event */
  async function paste(event) {
    event.preventDefault();
    await attempt(async () => {
      const outcomes = await bring(text);
      setText("");
      return outcomes;
    });
  }

  /** @param {DragEvent} event */
  function drop(event) {
    event.preventDefault();
    setOver(false);
    const files = [...(event.dataTransfer?.files || [])];
    const dragged = event.dataTransfer?.getData("text/plain");
    if (files.length > 0) take(files);
    else if (dragged) attempt(() => bring(dragged));
  }

  return html`
    <section class=${`people${isOver ? " over" : ""}`} onDrop=${drop}
      onDragOver=${(/** @type {DragEvent} */ e) => { e.preventDefault(); setOver(true); }}
      onDragLeave=${(/** @type {DragEvent} */ e) => { if (!(/** @type {HTMLElement} */ (e.currentTarget)).contains(/** @type {Node} */ (e.relatedTarget))) setOver(false); }}>
      <${Back} />
      <h1>${t("add.title")}</h1>
      <p>${t("add.text")}</p>
      ${identities.length > 1 && html`
        <label class="card">${t("add.for")}
          <select value=${chosen} onChange=${(/** @type {any} */ e) => setOwner(Number(e.target.value))}>
            ${identities.map((each) => html`<option value=${each.id}>${each.alias}</option>`)}
          </select>
        </label>`}
      <div ref=${result} tabindex="-1" class="result">
        ${isBusy && html`<p class="quiet" role="status">${t("add.busy")}</p>`}
        <${ErrorText} error=${error} />
        ${outcomes && html`<${Outcomes} outcomes=${outcomes} />`}
      </div>
      <div class="ways">
        <div class="card way">
          <h2>${t("add.camera")}</h2>
          <p class="quiet">${t("add.camera.text")}</p>
          <button onClick=${() => setLooking(true)}>${t("add.camera.go")}</button>
        </div>
        <div class="card way">
          <h2>${t("add.file")}</h2>
          <p class="quiet">${t("add.file.text")}</p>
          <label class="button file">${t("add.file.go")}
            <input type="file" class="spoken" multiple accept=".qco,.json,.txt,.eml,image/*"
              onChange=${(/** @type {any} */ e) => { take([...e.target.files]); e.target.value = ""; }} />
          </label>
        </div>
        <form class="card way wide" onSubmit=${paste}>
          <h2>${t("add.paste")}</h2>
          <label><span class="quiet">${t("add.paste.text")}</span>
            <textarea required rows="5" dir="auto" spellcheck=${false} value=${text}
              onInput=${(/** @type {any} */ e) => setText(e.target.value)}></textarea>
          </label>
          <button class="primary" disabled=${isBusy || !text.trim()}>${t("add.paste.go")}</button>
        </form>
      </div>
      ${isLooking && html`<${Camera} onClose=${() => setLooking(false)}
        onText=${(/** @type {string} */ seen) => { setLooking(false); attempt(() => bring(seen)); }} />`}
    </section>`;
}

/** Return the text of the code in a picture. Throws an Error for people. @param {File} picture */
async function textOf(picture) {
  const text = await readPicture(picture).catch(() => null);
  if (text === null) throw t("add.no-code", { file: picture.name });
  return text;
}
