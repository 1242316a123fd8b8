// What must compile, and what must not. It is never run.

import createClient from "openapi-fetch";
import type { components, operations, paths } from "./qabel.js";

type Schemas = components["schemas"];
type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:9" });

// Free-form data, and what may be left out.
await client.POST("/drop", {
  params: { header: { "Idempotency-Key": "a" } },
  body: { sender: 1, recipients: ["ab", 2], drop_message: { model_object: "chat", data: { msg: "x", n: [1] } } },
});
await client.POST("/identities", { body: { alias: "Alice" } });
await client.POST("/contacts", { body: { alias: "Bob", public_key: "ab" } });
await client.POST("/contacts", { body: { from_message: 7 } });
await client.POST("/servers", { body: { url: "https://drop.example.org" } });
await client.POST("/backup", {});
await client.PATCH("/contacts/{contact_id}", { params: { path: { contact_id: 1 } }, body: { blocked: true } });
await client.PATCH("/settings", { body: { module_data: { chat: null } } });
await client.POST("/settings", { body: { settings: { privacy: { introduce: "never" } } } });
await client.PUT("/settings", { body: { key: "poll_interval", value: 5 } });
await client.GET("/drop", { params: { query: { hold: true, wait: 5 } } });

// @ts-expect-error a name is required
await client.POST("/identities", { body: {} });
await client.POST("/tokens", { body: { name: "a", scopes: ["read", "chat:read"] } });
// @ts-expect-error scopes are a list
await client.POST("/tokens", { body: { name: "a", scopes: "read" } });
// @ts-expect-error a message has data
await client.POST("/drop", { body: { sender: 1, recipients: [1], drop_message: { model_object: "chat" } } });
// @ts-expect-error a key is required to be changed
await client.PUT("/settings", { body: { value: 5 } });

// What is in responses is there, or may be null, or may be missing.
const { data, error } = await client.GET("/drop");
const messages: Schemas["Message"][] = data ?? [];
const facts: [
  Is<Schemas["Message"]["contact_id"], number | null>,
  Is<Schemas["Message"]["data"], { [key: string]: unknown }>,
  Is<Schemas["Message"]["meta_data"], Schemas["Introduction"] | undefined>,
  Is<Schemas["Contact"]["drop_urls"], string[] | null>,
  Is<Schemas["SyncedContact"]["id"], number>,
  Is<Schemas["SyncedContactInput"]["id"], number | undefined>,
  Is<Schemas["LocalSettings"]["privacy"]["introduce"], "always" | "auto" | "never">,
  Is<Schemas["DeliveryState"], "failed" | "queued" | "sent">,
  Is<operations["streamEvents"]["responses"][200]["content"]["text/event-stream"], Schemas["Event"]>,
  Is<Schemas["Event"]["event"], "drop" | "outbox" | "settings" | "synced" | "damage">,
  Is<operations["receiveMessages"]["responses"][200]["headers"]["X-Qabel-Latest"], string>,
  Is<operations["getLocalSettings"]["responses"][200]["headers"]["ETag"], string>,
] = [true, true, true, true, true, true, true, true, true, true, true, true];

// Errors have a type, and so has each kind of event.
const detail: string | undefined = error?.detail;
const keys: string[] = (error?.errors ?? []).map(({ key }) => key);

function received(event: Schemas["Event"]): number | null {
  if (event.event === "outbox") return event.data.acknowledged;
  return event.event === "drop" ? event.data.contact_id : null;
}

export { detail, facts, keys, messages, received };
