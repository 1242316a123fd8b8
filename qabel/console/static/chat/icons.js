// @ts-check
// Small pictures; what they mean is said beside them, in words.

import { html } from "../vendor/preact.js";

const PATHS = {
  sending: "M12 6v6l4 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  queued: "M12 6v6l4 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  sent: "M4 13l5 5L20 6",
  acknowledged: "M1 13l5 5L16 6M10 16l2 2L23 6",
  failed: "M12 7v6M12 17v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  back: "M15 5l-7 7 7 7",
  more: "M12 5v.01M12 12v.01M12 19v.01",
  plus: "M12 5v14M5 12h14",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  muted: "M6 16V11a6 6 0 0 1 9-5.2M18 11v5M20 18H4M4 4l16 16M10 21h4",
  pinned: "M9 3h6l-1 7 4 4H6l4-4zM12 14v7",
  down: "M12 5v14M6 13l6 6 6-6",
  send: "M4 12l16-8-6 16-3-7z",
  reply: "M9 7l-5 5 5 5M4 12h10a6 6 0 0 1 6 6",
  file: "M6 3h8l4 4v14H6zM14 3v5h4",
  check: "M4 13l5 5L20 6",
};

/** @param {{ name: string, label?: string }} props */
export function Sign({ name, label }) {
  const path = PATHS[/** @type {keyof typeof PATHS} */ (name)];
  return html`<svg class="sign sign-${name}" viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>
    ${label && html`<span class="spoken">${label}</span>`}`;
}
