// @ts-check
// People: everybody, one of them, oneself, and somebody new.

import { html } from "../vendor/preact.js";
import { Add } from "../people/add.js";
import { ContactList } from "../people/contact_list.js";
import { Mine } from "../people/mine.js";
import { Person } from "../people/person.js";
import { Verify } from "../people/verify.js";

/** @param {import("../places.js").Place} place */
export default function View({ id, part }) {
  if (id === "me") return html`<${Mine} />`;
  if (id === "add") return html`<${Add} />`;
  if (!id) return html`<${ContactList} />`;
  const number = Number(id);
  return part === "verify" ? html`<${Verify} id=${number} />` : html`<${Person} key=${number} id=${number} />`;
}
