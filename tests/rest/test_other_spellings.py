"""Another spelling of a public key is refused on every way in, and names nobody."""

import json
from typing import Any

import pytest
import pytest_twisted

from qabel.crypto import PrivateKey
from qabel.drop.transport import seal_message

BOB = PrivateKey(b"\2" * 32)
FIELD = 2**255 - 19
URL = "http://drop.example/" + "a" * 43


def high_bit(key: str) -> str:
    """Return a key with the highest bit set."""
    return f"{key[:-2]}{int(key[-2:], 16) | 0x80:02x}"


SPELLINGS = [
    high_bit(BOB.public_key.hex),
    high_bit(BOB.public_key.hex).upper(),
    FIELD.to_bytes(32, "little").hex(),
    (FIELD + 9).to_bytes(32, "little").hex(),
    "ff" * 32,
]


@pytest.mark.parametrize("key", SPELLINGS)
@pytest_twisted.ensureDeferred
async def test_refused_on_every_way_in(server: Any, key: str) -> None:
    """No contact gets such a key, by whatever route, and no reference by it finds anything."""
    alice = await server.identity("Alice")
    mine = {"my_identity": alice["public_key"], "drop_urls": [URL], "alias": "Bob"}
    good = {"alias": "Bob", "public_key": BOB.public_key.hex, "drop_urls": [URL]}
    contact = (await server.ask_json("POST", "/contacts", good)).headers["location"]
    card = json.dumps({"contacts": [{"alias": "Bob", "public_key": key, "drop_urls": [URL]}]})
    item = {**mine, "keys": {"public_key": key}}
    message = {"model_object": "chat", "data": {}}
    sending = {"sender": alice["id"], "recipients": [1], "drop_message": message}
    identity = {
        "alias": "x",
        "private_key": BOB.hex,
        "public_key": high_bit(BOB.public_key.hex),
        "drop_urls": [],
    }
    before = server.core.synced.encoded
    requests = [
        ("POST", "/contacts", {**good, "public_key": key}, 400),
        ("PATCH", contact, {"public_key": key}, 400),
        ("PUT", "/synced", {"key": "contacts", "value": [item]}, 400),
        ("PUT", "/synced", {"key": "contacts.1.keys.public_key", "value": key}, 400),
        ("PATCH", "/synced", {"contacts": [item]}, 400),
        ("POST", "/identities/import", identity, 400),
        ("POST", "/drop", {**sending, "recipients": [key]}, 404),
        ("POST", "/drop", {**sending, "sender": high_bit(alice["public_key"])}, 400),
        ("POST", "/drop", {**sending, "drop_message": {**message, "receiver": key}}, 400),
    ]
    for method, path, value, status in requests:
        got = await server.ask_json(method, path, value)
        assert got.status == status, (method, path, got)
    twin = high_bit(alice["public_key"])
    assert (await server.ask("GET", f"/identities/{twin}")).status == 404
    assert (await server.ask("GET", f"/drop?identity={twin}")).status in (400, 404)
    assert (await server.ask("GET", f"/contacts?identity={twin}")).status == 400
    for text in (card, f"QABELCONTACT\nBob\n{URL}\n{key}"):
        await server.ask("POST", "/contacts/import", text.encode(), content_type="text/plain")
    assert server.core.synced.encoded == before


@pytest_twisted.ensureDeferred
async def test_messages_under_another_spelling(server: Any) -> None:
    """A message whose text names the sender in another spelling is nobody's."""
    alice = await server.identity("Alice")
    me = server.core.people.find(alice["id"])
    text = {
        "version": 1,
        "time_stamp": 1,
        "sender": high_bit(BOB.public_key.hex),
        "drop_payload": "{}",
        "drop_payload_type": "chat",
    }
    box = server.drop_servers.messages[alice["drops"][0]]
    box.append(seal_message(BOB, me.public_key, json.dumps(text).encode()))
    await server.core.poller.poll_now()
    assert server.core.receiver.counts.spoofed == 1
    assert (await server.ask("GET", "/drop?since=0")).status == 204
