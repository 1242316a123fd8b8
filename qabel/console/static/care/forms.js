// @ts-check
// What settings are made of: choices that are kept at once, and fields with a button.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { call, connection, Problem } from "../session.js";
import { gaps, onNews } from "../live.js";
import { Confirm, explain, explainPart } from "../parts.js";
import { t } from "../texts.js";

/** @typedef {{ poll_interval: number, inbox: Record<string, any>, privacy: Record<string, any> }} Settings */

/**
 * What is read from a path, and read anew when it may have changed.
 * @param {string} path
 * @param {string[]} kinds the events after which it may have
 * @param {number} [every] milliseconds after which it is read anyway
 * @returns {{ value: any, error: unknown, again: () => Promise<void> }}
 */
export function useRead(path, kinds, every) {
  const [value, setValue] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const failed = useRef(false);
  async function again() {
    try {
      setValue(await call("GET", path));
      setError(null);
      failed.current = false;
    } catch (problem) {
      setError(problem);
      failed.current = true;
    }
  }
  useEffect(() => {
    again();
    const back = connection.listen((state) => {
      if (state === "open" && failed.current) again();
    });
    const ends = [onNews(kinds, again), gaps.listen(again), back];
    const timer = every ? setInterval(again, every) : 0;
    return () => {
      clearInterval(timer);
      ends.forEach((end) => end());
    };
  }, [path]);
  return { value, error, again };
}

/**
 * Return what is wrong with one key of what was sent, and what else is wrong.
 * @param {unknown} error
 * @param {string} key
 */
export function errorsOf(error, key) {
  if (!(error instanceof Problem)) return error ? explain(error) : "";
  const own = error.errors.filter((each) => each.key === key || each.key.endsWith(`.${key}`));
  return own.length ? explainPart(error.status, own.map((each) => each.detail).join(" ")) : explain(error);
}

/**
 * Keep one setting, and say how that went.
 * @param {string} key such as privacy.introduce
 * @param {() => Promise<void>} again reads the settings anew
 */
export function useSaving(key, again) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [state, setState] = useState(/** @type {"" | "busy" | "saved"} */ (""));
  /** @param {unknown} value */
  async function save(value) {
    setState("busy");
    setError(null);
    const [first, second] = key.split(".");
    try {
      await call("PATCH", "/settings", second ? { [first]: { [second]: value } } : { [first]: value }, {
        headers: { "Content-Type": "application/merge-patch+json" },
      });
      setState("saved");
      await again();
      return true;
    } catch (problem) {
      setError(problem);
      setState("");
      return false;
    }
  }
  return { error: error ? errorsOf(error, key.split(".").pop() || key) : "", state, save };
}

/** What became of saving. @param {{ id: string, error: string, state: string }} props */
export function Saved({ id, error, state }) {
  return html`<p class="saved" id=${id} role="status">
    ${error ? html`<span class="error">${error}</span>` : state === "saved" ? html`<span class="done">${t("settings.saved")}</span>` : null}
  </p>`;
}

/**
 * A setting with some values, each with what it gives and what it costs.
 * @param {{ name: string, title: string, hint?: string, value: string | boolean, values: readonly (string | boolean)[], again: () => Promise<void> }} props
 */
export function Choice({ name, title, hint, value, values, again }) {
  const { error, state, save } = useSaving(name, again);
  const [shown, setShown] = useState(value);
  useEffect(() => setShown(value), [value]);
  /** @param {string | boolean} each */
  async function choose(each) {
    setShown(each);
    if (!(await save(each))) setShown(value);
  }
  return html`<fieldset class="card setting" aria-describedby=${`${name}-saved`}>
    <legend>${title}</legend>
    ${hint && html`<p class="quiet">${hint}</p>`}
    ${values.map((each) => html`<label class="option" key=${each}>
      <input type="radio" name=${name} value=${each} checked=${shown === each} disabled=${state === "busy"} onChange=${() => choose(each)} />
      <span><strong>${t(`${name}.${each}`)}</strong><span class="hint">${t(`${name}.${each}.hint`)}</span></span>
    </label>`)}
    <${Saved} id=${`${name}-saved`} error=${error} state=${state} />
  </fieldset>`;
}

/**
 * A setting that is typed.
 * @param {{ name: string, title: string, label: string, hint?: string, value: string | number | null, again: () => Promise<void>, unit?: string,
 *   type?: string, read?: (typed: string) => unknown, ask?: (value: any) => boolean, extra?: any, input?: Record<string, any> }} props
 *   `read` makes the value of what was typed; `ask` says whether to ask before that is kept
 */
export function Field({ name, title, label, hint, value, again, unit, type = "text", read = String, ask, extra, input = {} }) {
  const { error, state, save } = useSaving(name, again);
  const [typed, setTyped] = useState(String(value ?? ""));
  const [asked, setAsked] = useState(/** @type {unknown} */ (undefined));
  useEffect(() => setTyped(String(value ?? "")), [value]);
  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const wanted = read(typed.trim());
    if (ask && ask(wanted)) setAsked(wanted);
    else save(wanted);
  }
  const isChanged = typed.trim() !== String(value ?? "");
  return html`<form class="card setting" onSubmit=${submit} noValidate>
    <h3>${title}</h3>
    ${hint && html`<p class="quiet" id=${`${name}-hint`}>${hint}</p>`}
    <div class="typed">
      <label>${label}<span class="with-unit">
        <input type=${type} value=${typed} aria-invalid=${error ? "true" : null} aria-describedby=${`${name}-saved ${hint ? `${name}-hint` : ""}`}
          onInput=${(/** @type {any} */ e) => setTyped(e.target.value)} ...${input} />${unit && html`<span class="unit">${unit}</span>`}</span></label>
      <button class="primary" disabled=${!isChanged || state === "busy"}>${t("settings.save")}</button>
    </div>
    ${extra && html`<p class="extras">${extra(setTyped)}</p>`}
    <${Saved} id=${`${name}-saved`} error=${error} state=${isChanged ? "" : state} />
    ${asked !== undefined && html`<${Asked} name=${name} value=${asked} onClose=${() => setAsked(undefined)}
      onYes=${() => { setAsked(undefined); save(asked); }} />`}
  </form>`;
}

/** @param {{ name: string, value: any, onYes: () => void, onClose: () => void }} props */
function Asked({ name, value, onYes, onClose }) {
  return html`<${Confirm} title=${t(`${name}.ask`)} text=${t(`${name}.ask.text`, { n: Number(value) })} action=${t(`${name}.ask.yes`)} onYes=${onYes} onClose=${onClose} />`;
}

/** Read a number; what is none is sent as it is, and the daemon says so. @param {string} typed */
export function number(typed) {
  const value = Number(typed.replace(",", "."));
  return typed === "" || Number.isNaN(value) ? typed || null : value;
}
