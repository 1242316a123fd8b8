// @ts-check
// The card of an identity: what others need to write to it.

import { html, useRef, useState } from "../vendor/preact.js";
import { t } from "../texts.js";
import { Dialog, ErrorText } from "../parts.js";
import { fetched, saveFile } from "../files.js";
import { usePicture } from "./pictures.js";

/** @typedef {import("../data.js").Identity & { drops?: string[] | null, updated?: number }} Identity */

/** The QR code of an identity. @param {{ identity: Identity }} props */
function Code({ identity }) {
  const url = usePicture(`/identities/${identity.id}/qr.svg`, identity.updated);
  return url
    ? html`<img class="code" src=${url} alt=${t("card.code", { name: identity.alias })} />`
    : html`<span class="code" aria-hidden="true"></span>`;
}

/** The QR code, and ways to hand the card on. @param {{ identity: Identity }} props */
export function Card({ identity }) {
  const [isLarge, setLarge] = useState(false);
  const [copied, setCopied] = useState(/** @type {string | null} */ (null));
  const [isCopied, setIsCopied] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const path = `/identities/${identity.id}/contact`;

  async function save() {
    setError(null);
    await saveFile(path, `${identity.alias}.qco`).catch(setError);
  }

  async function copy() {
    setError(null);
    setIsCopied(false);
    try {
      const text = (await (await fetched(path)).text()).trim();
      try {
        await navigator.clipboard.writeText(text);
        setCopied(null);
        setIsCopied(true);
      } catch {
        // A browser that forbids it lets the user do it by hand.
        setCopied(text);
      }
    } catch (problem) {
      setError(problem);
    }
  }

  return html`
    <div class="contact-card">
      <button class="code-button" onClick=${() => setLarge(true)} aria-label=${t("card.large")}><${Code} identity=${identity} /></button>
      <div>
        <p class="buttons left">
          <button onClick=${copy}>${t("card.copy")}</button>
          <button onClick=${save}>${t("card.save")}</button>
          <button onClick=${() => setLarge(true)}>${t("card.large")}</button>
        </p>
        <p class="hint" role="status">${isCopied ? t("card.copied") : t("card.hint")}</p>
        ${copied !== null && html`<${Copied} text=${copied} />`}
        <${ErrorText} error=${error} />
        ${isLocal(identity) && html`<p class="lost">${t("card.local")}</p>`}
      </div>
      ${isLarge && html`<${LargeCode} identity=${identity} onClose=${() => setLarge(false)} />`}
    </div>`;
}

/** A text to copy by hand. @param {{ text: string }} props */
function Copied({ text }) {
  const ref = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  return html`<label>${t("card.by-hand")}
    <textarea readonly rows="4" ref=${ref} onFocus=${() => ref.current?.select()} value=${text}></textarea></label>`;
}

/** The code as large as the screen, also on paper. @param {{ identity: Identity, onClose: () => void }} props */
export function LargeCode({ identity, onClose }) {
  return html`
    <${Dialog} title=${identity.alias} kind="code-dialog" onClose=${onClose}>
      <${Code} identity=${identity} />
      <p class="on-screen">${t("card.scan", { name: identity.alias })}</p>
      <p class="buttons on-screen"><button onClick=${() => print()}>${t("card.print")}</button></p>
    <//>`;
}

/** Whether messages can come from this computer only. @param {Identity} identity */
function isLocal(identity) {
  const drops = identity.drops || [];
  return drops.length > 0 && drops.every((url) => /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])[:/]/.test(url));
}
