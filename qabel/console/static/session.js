// @ts-check
// How the page gets in and stays in: a code becomes a session, and the daemon proves itself.

import { Observable } from "./observable.js";

/**
 * "outside": nobody has come in. "ended": the session has. "stranger": another program answers.
 * "lost": the daemon does not answer at present. "open": all is well.
 * @typedef {"outside" | "ended" | "stranger" | "lost" | "open"} Connection
 */

export const connection = new Observable(/** @type {Connection} */ ("outside"));

/** Whether the code in the address did not let the page in. */
export let wasRefused = false;

const KEPT = "qabel.session";

/** @typedef {{ id: number, token: string, scopes: string[], proof_key: string }} Session */

/** @type {Session | null} */
let session = null;

/** Whether the port may be another program's by now: the daemon has to prove itself first. */
let isDoubtful = true;

/** @type {Promise<void> | null} */
let proving = null;

/** What the daemon says against a request, or that it cannot be reached. */
export class Problem extends Error {
  /**
   * @param {number} status 0 if there was no answer
   * @param {string} detail
   * @param {{ key: string, detail: string }[]} errors
   */
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

/** Begin with the code in the address, or go on with the session of this tab. */
export async function comeIn() {
  const code = /^#([0-9a-f]{32})$/.exec(location.hash);
  if (code) {
    history.replaceState(null, "", "/");
    const answer = await fetch("/console/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code: code[1], name: browserName() }),
    }).catch(() => null);
    if (answer && answer.status === 201) {
      session = await answer.json();
      isDoubtful = false;
      keep();
    }
    wasRefused = answer !== null && answer.status === 400;
  }
  if (!session) {
    const kept = sessionStorage.getItem(KEPT);
    session = kept ? JSON.parse(kept) : null;
  }
  connection.set(session ? "open" : "outside");
}

/** End the session, also in the daemon. */
export async function leave() {
  if (session) await call("DELETE", `/tokens/${session.id}`).catch(() => null);
  forget();
  connection.set("ended");
}

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(session));
}

function forget() {
  session = null;
  sessionStorage.removeItem(KEPT);
}

/** Whether there is a session, as far as the page knows. */
export function isInside() {
  return session !== null;
}

/** The id of this session among the tokens. */
export function sessionId() {
  return session ? session.id : null;
}

/** Whether the session may do something. @param {string} scope */
export function may(scope) {
  return session !== null && session.scopes.includes(scope);
}

/**
 * Send a request, and return its answer, whatever the status.
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, file?: Blob | string, headers?: Record<string, string>, signal?: AbortSignal,
 *   keepalive?: boolean }} [more] with `keepalive` the request outlasts the page
 * @returns {Promise<Response>}
 */
export async function send(method, path, more = {}) {
  await assure();
  if (!session) throw new Problem(401, "The session has ended.");
  /** @type {Record<string, string>} */
  const headers = { Authorization: `Bearer ${session.token}`, ...more.headers };
  if (more.body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: more.body !== undefined ? JSON.stringify(more.body) : more.file,
      signal: more.signal,
      keepalive: more.keepalive,
      cache: "no-store",
    });
  } catch (error) {
    if (more.signal && more.signal.aborted) throw error;
    lose();
    throw new Problem(0, "");
  }
  if (answer.status === 401) {
    forget();
    connection.set("ended");
    throw new Problem(401, "The session has ended.");
  }
  connection.set("open");
  return answer;
}

/**
 * Wait until it is sure that the daemon answers, not another program: before a token is sent, and
 * before a script is loaded. Throws a Problem.
 */
export async function assure() {
  if (!isDoubtful) return;
  // Many requests wait for one proof.
  proving = proving || prove().finally(() => {
    proving = null;
  });
  await proving;
}

/** Note that the connection broke: who answers next has to prove itself. */
export function lose() {
  isDoubtful = true;
  if (session) connection.set("lost");
}

/**
 * Send a request, and return the JSON of its answer. Throws a Problem for an error.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ headers?: Record<string, string>, file?: Blob | string, signal?: AbortSignal, keepalive?: boolean }} [more]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, more = {}) {
  const answer = await send(method, path, { ...more, body });
  if (answer.status >= 400) throw await problemOf(answer);
  return answer.status === 204 ? null : answer.json();
}

/** @param {Response} answer */
export async function problemOf(answer) {
  const said = await answer.json().catch(() => ({}));
  return new Problem(answer.status, said.detail || answer.statusText, said.errors || []);
}

/** Have the daemon prove that it is the one that this session is with. Throws a Problem. */
async function prove() {
  if (!session) return;
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  let answer;
  let said;
  try {
    answer = await fetch("/console/proof", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ nonce }),
    });
    // An answer that breaks off, as when the page is reloaded meanwhile, says nothing.
    said = await answer.text();
  } catch {
    connection.set("lost");
    throw new Problem(0, "");
  }
  const wanted = await hmac(session.proof_key, nonce);
  if (!answer.ok || proofIn(said) !== wanted) {
    if (answer.status === 503) connection.set("lost");
    else {
      // Who reloads this page now gets a page of the other program, which could read what is kept.
      sessionStorage.removeItem(KEPT);
      connection.set("stranger");
    }
    throw new Problem(0, "");
  }
  isDoubtful = false;
  keep();
}

/** Return the proof in what was answered, if there is any. @param {string} said */
function proofIn(said) {
  try {
    return JSON.parse(said).proof;
  } catch {
    return null;
  }
}

/**
 * @param {string} key hexadecimal digits
 * @param {string} text
 */
async function hmac(key, text) {
  const raw = Uint8Array.from(key.match(/../g) || [], (each) => parseInt(each, 16));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
  return hex(new Uint8Array(signed));
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

/** Return what the session is called in the list of sessions. */
function browserName() {
  const agent = navigator.userAgent;
  const browsers = /** @type {[string, RegExp][]} */ ([
    ["Firefox", /Firefox\//], ["Edge", /Edg\//], ["Opera", /OPR\//], ["Chromium", /Chrom(e|ium)\//], ["Safari", /Safari\//],
  ]);
  const systems = /** @type {[string, RegExp][]} */ ([
    ["Android", /Android/], ["iOS", /iPhone|iPad/], ["Windows", /Windows/], ["macOS", /Mac OS/], ["Linux", /Linux/],
  ]);
  const browser = browsers.find(([, is]) => is.test(agent));
  const system = systems.find(([, is]) => is.test(agent));
  return `${browser ? browser[0] : "A browser"}${system ? ` on ${system[0]}` : ""}`;
}
