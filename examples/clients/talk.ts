// Send, read and follow messages, with the types that openapi-typescript made.

import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./qabel.js";

type Event = components["schemas"]["Event"];

const baseUrl = process.env.QABEL_URL ?? "http://127.0.0.1:9696";
const directory = process.env.QABEL_DATA_DIR ?? ".run/daemon";
const token = readFileSync(`${directory}/api-token`, "utf8").trim();
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

/** Send a message to a contact. */
async function send(sender: number, contact: number, text: string): Promise<void> {
  const message = { model_object: "chat", data: { msg: text } };
  const body = { sender, recipients: [contact], drop_message: message };
  const { data, error } = await client.POST("/drop", { body });
  if (data) console.log(`${text}: ${data.recipients[0]?.state}`);
  else console.log(`${text}: not sent, ${error.status}: ${error.detail}`);
}

/** Wait for new messages, process them, then acknowledge them. Return the cursor. */
async function read(identity: number): Promise<string> {
  const query = { identity, hold: true, wait: 60 };
  const { data, error, response } = await client.GET("/drop", { params: { query } });
  if (error) throw new Error(error.detail);
  for (const message of data ?? []) console.log(`read: ${message.data.msg}`);
  const upto = response.headers.get("X-Qabel-Latest") ?? "0";
  await client.POST("/drop/ack", { body: { upto, identity } });
  return upto;
}

/** Yield each event after a cursor as it happens. The id of an event is the next cursor. */
async function* follow(cursor: string): AsyncGenerator<Event> {
  const { data, error } = await client.GET("/events", {
    params: { header: { "Last-Event-ID": cursor } },
    parseAs: "stream",
  });
  if (!data) throw new Error(error?.detail);
  let text = "";
  for await (const piece of data.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + piece).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n").map((line) => line.split(/: (.*)/));
      const event = Object.fromEntries(lines);
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

const identities = (await client.GET("/identities")).data ?? [];
const contacts = (await client.GET("/contacts")).data ?? [];
const alice = identities.find(({ alias }) => alias === "Alice")!.id;
const bob = identities.find(({ alias }) => alias === "Bob")!.id;
const contact = contacts.find(({ alias }) => alias === "Bob")!.id;
await send(alice, contact, "Hello");
const cursor = await read(bob);
await send(alice, contact, "Are you there?");
for await (const event of follow(cursor)) {
  if (event.event === "drop") {
    console.log(`followed: ${event.data.data.msg}`);
    break;
  }
}
await send(alice, 99, "Is anybody there?");
