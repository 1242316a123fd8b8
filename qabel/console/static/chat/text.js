// @ts-check
// What others wrote, as text and nothing else: links are shown, and opened only by a click.

import { html, useState } from "../vendor/preact.js";
import { t } from "../texts.js";

const LINK = /https?:\/\/[^\s<>"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;

const MOST_LINKS = 50;
const LONG = 1500;
const MOST_LINES = 25;
const SHORT = 1000;
const FEW_LINES = 15;

/**
 * Return a text in pieces, of which some are addresses.
 * @param {string} text
 * @returns {{ text: string, url: string | null }[]}
 */
export function pieces(text) {
  /** @type {{ text: string, url: string | null }[]} */
  const found = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    if (found.length >= 2 * MOST_LINKS) break;
    const shown = match[0].replace(/[.,;:!?'*_]+$/, "").replace(/^([^(]*)\)$/, "$1");
    const url = parsed(shown);
    if (!url) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), url: null });
    found.push({ text: shown, url });
    at = match.index + shown.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), url: null });
  return found;
}

/** @param {string} shown */
function parsed(shown) {
  try {
    const url = new URL(shown);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Return the beginning of a text that is long; null if it is not. @param {string} text */
export function beginning(text) {
  const lines = text.split("\n", MOST_LINES + 1);
  if (text.length <= LONG && lines.length <= MOST_LINES) return null;
  const part = lines.slice(0, lines.length > MOST_LINES ? FEW_LINES : MOST_LINES).join("\n");
  // Not between the two halves of a character.
  return part.slice(0, SHORT).replace(/[\ud800-\udbff]$/, "");
}

/** @param {{ text: string, isStrange?: boolean }} props of strangers addresses are no links */
export function MessageText({ text, isStrange }) {
  const [isWhole, setWhole] = useState(false);
  const start = beginning(text);
  const shown = start === null || isWhole ? text : `${start}…`;
  return html`<div class="text">
    ${isStrange ? shown : pieces(shown).map((each) => (each.url
      ? html`<a href=${each.url} title=${each.url} target="_blank" rel="noreferrer noopener">${each.text}</a>`
      : each.text))}
    </div>
    ${start !== null && html`<button type="button" class="link" aria-expanded=${isWhole ? "true" : "false"}
      onClick=${() => setWhole(!isWhole)}>${t(isWhole ? "chat.text.less" : "chat.text.all")}</button>`}`;
}
