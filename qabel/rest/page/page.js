// The page at /docs: it shows /openapi.json, and sends requests to the same daemon.
// Responses go into the page as text only: other people choose the names and messages in them.

const MOST_SHOWN = 512 * 1024;
const METHODS = ["get", "put", "post", "patch", "delete"];
// The contract says it of all bodies, in its description.
const FORMS = ["application/x-www-form-urlencoded", "multipart/form-data"];
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5" +
  "\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff" +
  "\\uffa0\\ufff0-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]|\\p{Cs}|\\p{Co}", "gu");

/** Escape characters that are invisible, or that change the direction of others. */
export function visible(text) {
  return text.replace(HIDDEN, (each) => {
    const code = each.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** Indent JSON without parsing it, which would change large numbers. */
export function indented(json) {
  let result = "", depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  const parts = json.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) || [];
  parts.forEach((part, index) => {
    const before = parts[index - 1];
    if (part === "]" || part === "}") {
      depth -= 1;
      result += before === "[" || before === "{" ? part : line() + part;
    } else {
      if (before === "[" || before === "{" || before === ",") result += line();
      result += part === ":" ? ": " : part;
      if (part === "[" || part === "{") depth += 1;
    }
  });
  return result;
}

/** Make an element; children are elements or strings. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/** Return a description without its Markdown. */
function plain(text) {
  return text.replaceAll("`", "").replace(/([^\n])\n(?=[^\n])/g, "$1 ");
}

function resolved(contract, schema) {
  let found = schema ?? {};
  while (found.$ref) {
    found = found.$ref.split("/").slice(1).reduce((part, name) => part[name], contract);
  }
  return found;
}

/** Return an example of a schema, for a start. */
function sample(contract, given, depth = 0) {
  const schema = resolved(contract, given);
  if (schema.examples) return schema.examples[0];
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return sample(contract, several[0], depth);
  const type = [schema.type].flat()[0];
  if (type === "array") return schema.minItems ? [sample(contract, schema.items, depth + 1)] : [];
  if (type === "object" || schema.properties) {
    const names = Object.keys(schema.properties ?? {}).filter(
      (name) => depth === 0 || (schema.required ?? []).includes(name));
    return Object.fromEntries(
      names.map((name) => [name, sample(contract, schema.properties[name], depth + 1)]));
  }
  return { integer: schema.minimum > 0 ? schema.minimum : 0, number: 0, boolean: false }[type] ?? "";
}

function field(schema) {
  const values = schema.type === "boolean" ? ["true", "false"] : schema.enum;
  if (!values) {
    const hints = [schema.type, schema.pattern, schema.default].flat().filter((each) => each !== undefined);
    return make("input", { placeholder: hints.join(" "), autocomplete: "off", spellcheck: false });
  }
  const none = make("option", { value: "\u0000" }, "(not sent)");
  const options = values.map((each) => make("option", { value: each }, each === "" ? "(empty)" : each));
  return make("select", {}, none, ...options);
}

function value(input) {
  if (input.tagName === "SELECT") return input.value === "\u0000" ? undefined : input.value;
  return input.value === "" ? undefined : input.value;
}

function form(target, text) {
  const given = JSON.parse(text);
  for (const [name, each] of Object.entries(given)) {
    target.append(name, typeof each === "string" ? each : JSON.stringify(each));
  }
  return target;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** An operation: its parameters, its body, its responses, and a form to try it. */
class Operation {
  constructor(contract, path, method, operation) {
    this.path = path;
    this.method = method.toUpperCase();
    this.inputs = operation.parameters.map((each) => [each, field(each.schema)]);
    this.aborter = null;
    this.send = make("button", { className: "primary", type: "button", onclick: () => this.run() }, "Send");
    this.stop = make("button", { type: "button", disabled: true, onclick: () => this.aborter?.abort() }, "Stop");
    this.answer = make("div", {});
    this.answer.setAttribute("aria-live", "polite");
    const content = make("div", {}, make("p", { className: "note" }, operation.description ?? "No token is needed."));
    content.append(...this.parameters(), ...this.body(contract, operation.requestBody));
    content.append(this.send, this.stop, this.answer, make("h3", {}, "Responses"), this.answers(contract, operation));
    this.element = make("details", {},
      make("summary", {}, make("b", {}, this.method), make("code", {}, path), operation.summary), content);
    this.words = `${this.method} ${path} ${operation.summary}`.toLowerCase();
  }

  parameters() {
    if (!this.inputs.length) return [];
    const rows = this.inputs.map(([each, input]) => {
      const name = make("code", { className: each.required ? "required" : "" }, each.name);
      input.setAttribute("aria-label", each.name);
      const kind = make("span", { className: "note" }, ` ${each.in}`);
      return make("tr", {}, make("th", {}, name, kind), make("td", {}, input, make("div", { className: "note" }, plain(each.description))));
    });
    return [make("h3", {}, "Parameters"), make("table", {}, ...rows)];
  }

  body(contract, body) {
    if (!body) return [];
    const kinds = [...Object.keys(body.content), ...FORMS];
    this.kind = make("select", {}, ...kinds.map((each) => make("option", {}, each)));
    this.text = make("textarea", { spellcheck: false });
    this.text.setAttribute("aria-label", "body");
    this.kind.setAttribute("aria-label", "content type");
    const fill = () => {
      const example = sample(contract, body.content[this.kind.value].schema);
      this.text.value = typeof example === "string" ? example : JSON.stringify(example, null, 2);
    };
    this.kind.onchange = fill;
    fill();
    const keys = Object.entries(resolved(contract, body.content[kinds[0]].schema).properties ?? {});
    const needed = resolved(contract, body.content[kinds[0]].schema).required ?? [];
    const rows = keys.filter(([, each]) => each.description).map(([name, each]) => make("tr", {},
      make("th", {}, make("code", { className: needed.includes(name) ? "required" : "" }, name)),
      make("td", {}, plain(each.description))));
    const about = body.description ? [make("p", {}, plain(body.description))] : [];
    return [make("h3", {}, "Body"), ...about, make("table", {}, ...rows), this.kind, this.text];
  }

  answers(contract, operation) {
    const rows = Object.entries(operation.responses).map(([status, given]) => [status, resolved(contract, given), given.description])
      .map(([status, response, what]) => make("tr", {},
      make("th", {}, make("code", {}, status)),
      make("td", {}, plain(what), make("div", { className: "note" },
        [...Object.keys(response.content ?? {}), ...Object.keys(response.headers ?? {})].join(", ")))));
    return make("table", {}, ...rows);
  }

  /** Build the request from the fields. */
  request() {
    let url = this.path;
    const query = new URLSearchParams();
    const headers = new Headers();
    for (const [each, input] of this.inputs) {
      const given = value(input);
      if (each.in === "path") url = url.replace(`{${each.name}}`, encodeURIComponent(given ?? ""));
      else if (given !== undefined && each.in === "query") query.set(each.name, given);
      else if (given !== undefined) headers.set(each.name, given);
    }
    if ([...query].length) url += `?${query}`;
    const shown = [...headers];
    const token = document.getElementById("token").value.trim();
    if (token) headers.set("Authorization", `Bearer ${token}`);
    const options = { method: this.method, headers, credentials: "omit", redirect: "error" };
    const kind = this.text?.value ? this.kind.value : null;
    if (kind === "multipart/form-data") options.body = form(new FormData(), this.text.value);
    else if (kind === "application/x-www-form-urlencoded") options.body = form(new URLSearchParams(), this.text.value);
    else if (kind) {
      headers.set("Content-Type", kind);
      options.body = this.text.value;
    }
    return { url, options, command: this.command(url, shown, kind, Boolean(token)) };
  }

  /** Return the same request as a shell command, without the token. */
  command(url, headers, kind, withToken) {
    const parts = ["curl", "-X", this.method, quoted(location.origin + url)];
    if (withToken) parts.push("-H", '"Authorization: Bearer $(cat api-token)"');
    for (const [name, each] of headers) parts.push("-H", quoted(`${name}: ${each}`));
    if (kind && kind !== "multipart/form-data" && kind !== "application/x-www-form-urlencoded") {
      parts.push("-H", quoted(`Content-Type: ${kind}`), "--data-binary", quoted(this.text.value));
    } else if (kind) {
      const flag = kind === "multipart/form-data" ? "--form-string" : "--data-urlencode";
      for (const [name, each] of form(new URLSearchParams(), this.text.value)) parts.push(flag, quoted(`${name}=${each}`));
    }
    return parts.join(" ");
  }

  async run() {
    this.answer.replaceChildren();
    this.send.disabled = true;
    this.stop.disabled = false;
    this.aborter = new AbortController();
    try {
      const { url, options, command } = this.request();
      this.answer.append(make("pre", {}, visible(command)));
      await this.show(await fetch(url, { ...options, signal: this.aborter.signal }));
    } catch (error) {
      const what = error.name === "AbortError" ? "Stopped." : `${error.name}: ${error.message}`;
      this.answer.append(make("p", { className: "bad" }, visible(what)));
    } finally {
      this.send.disabled = false;
      this.stop.disabled = true;
    }
  }

  async show(response) {
    const className = response.ok || response.status === 304 ? "status" : "status bad";
    const title = `${response.status} ${response.statusText}`;
    const headers = [...response.headers].map(([name, each]) => `${name}: ${each}`).join("\n");
    const body = make("pre", {});
    this.answer.append(make("p", { className }, title), make("pre", {}, visible(headers)), body);
    const type = response.headers.get("Content-Type") ?? "";
    if (type.startsWith("image/png")) {
      body.textContent = `(${(await response.arrayBuffer()).byteLength} bytes)`;
      return;
    }
    const text = await this.read(response, body);
    body.textContent = visible(type.includes("json") ? indented(text) : text);
    body.hidden = text === "";
  }

  /** Read the body, and show it as it arrives: that of /events has no end. */
  async read(response, shown) {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (reader) {
      const { done, value: piece } = await reader.read();
      if (done) break;
      text += piece;
      if (text.length > MOST_SHOWN) {
        this.aborter.abort();
        return `${text.slice(0, MOST_SHOWN)}\n(truncated)`;
      }
      shown.textContent = visible(text);
    }
    return text;
  }
}

async function begin() {
  const main = document.getElementById("operations");
  const response = await fetch("/openapi.json", { credentials: "omit" });
  if (!response.ok) throw new Error(`/openapi.json: ${response.status}`);
  const contract = await response.json();
  document.getElementById("version").textContent = contract.info.version;
  document.getElementById("about").textContent = plain(contract.info.description);
  const sections = new Map(contract.tags.map(({ name }) => [name, make("section", {}, make("h2", {}, name))]));
  const all = [];
  for (const [path, methods] of Object.entries(contract.paths)) {
    for (const method of METHODS.filter((each) => each in methods)) {
      const operation = new Operation(contract, path, method, methods[method]);
      all.push(operation);
      sections.get(methods[method].tags[0]).append(operation.element);
    }
  }
  main.replaceChildren(...sections.values());
  document.getElementById("find").oninput = ({ target }) => {
    const wanted = target.value.toLowerCase().split(/\s+/);
    for (const each of all) each.element.hidden = !wanted.every((word) => each.words.includes(word));
    for (const each of sections.values()) each.hidden = !each.querySelector("details:not([hidden])");
  };
}

document.getElementById("access").onsubmit = (event) => event.preventDefault();
// The browser must not restore the token when the page is shown again.
addEventListener("pagehide", () => { document.getElementById("token").value = ""; });
begin().catch((error) => { document.getElementById("trouble").textContent = `Cannot load the contract: ${error.message}`; });
