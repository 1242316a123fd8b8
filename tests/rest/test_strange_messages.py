"""Numbers in messages from strangers: over HTTP, every way of reading gives them back."""

import json
from typing import Any

import pytest
import pytest_twisted

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.transport import seal_message
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.journal.entries import JournalEntries
from tests.odd_numbers import NUMBERS

STRANGER = PrivateKey(b"\5" * 32)


def envelope(data: str) -> bytes:
    """Return the text of a message from the stranger with this payload."""
    members = {
        "version": 1,
        "time_stamp": 1476281471123,
        "sender": STRANGER.public_key.hex,
        "drop_payload": data,
        "drop_payload_type": "chat",
    }
    return json.dumps(members).encode()


async def readings(server: Any) -> list[list[Any]]:
    """Return the data of all messages as each way of reading over HTTP gives them."""
    given = {"name": "one", "scopes": ["read"], "identity": 1}
    token = (await server.ask_json("POST", "/tokens", given)).json()["token"]
    page = (await server.ask("GET", "/drop?since=0", token=token)).json()
    ways = [[each["data"] for each in page]]
    for who in (token, server.token):
        single = [await server.ask("GET", f"/drop/{each['id']}", token=who) for each in page]
        assert [each.status for each in single] == [200] * len(page)
        ways.append([each.json()["data"] for each in single])
    hook = await server.ask_json("POST", "/webhooks", {"url": "http://127.0.0.1:9/"})
    number = int(hook.headers["location"].rpartition("/")[2])
    repository = server.core.webhooks._repository
    entries = await JournalEntries(server.core._base.database).read(0, 1000)
    messages = [each for each in entries if each.kind == "drop"]
    for each in messages:
        await repository.give_up(number, each.seq, each.kind, each.data, "error", now=1.0)
    listed = await server.ask("GET", f"/webhooks/{number}/undelivered")
    assert listed.status == 200
    ways.append([each["body"]["data"] for each in listed.json()])
    wire = await server.wire()
    wire.send(server.request("GET", "/events?since=0", token=token))
    while sum(b"data: {" in line for line in wire.received.split(b"\n")) < len(messages):
        await wire.more()
    lines = [each for each in wire.received.split(b"\n") if each.startswith(b"data: {")]
    ways.append([json.loads(each.removeprefix(b"data: "))["data"] for each in lines])
    return ways


@pytest_twisted.ensureDeferred
async def test_strange_numbers_over_http(server: Any) -> None:
    """The largest numbers are given back in all ways; a message with a larger one is rubbish."""
    bob = await server.identity("Bob")
    key = PublicKey.from_hex(bob["public_key"])
    box = server.drop_servers.messages[bob["drops"][0]]
    numbers = [*NUMBERS, "9" * 400, "9" * 301, "1e400"]
    texts = [envelope(f'{{"a":{number}}}') for number in numbers]
    box.extend(seal_message(STRANGER, key, text) for text in texts)
    await server.core.poller.poll_now()
    for way in await readings(server):
        assert [repr(each["a"]) for each in way] == [repr(json.loads(each)) for each in NUMBERS]
    assert server.core.receiver.counts.rubbish == 3


@pytest.mark.parametrize("number", ["9" * 400, "9" * 1900, "0." + "3" * 1000])
@pytest_twisted.ensureDeferred
async def test_messages_of_older_versions(server: Any, number: str) -> None:
    """A message with a longer number, which an older version has kept, is given back as it is."""
    bob = await server.identity("Bob")
    repository = InboxRepository(server.core._base.database)
    drop = Drop("http://drop.example/" + "a" * 43, "owners")
    await repository.start_reading(drop)
    kept = await repository.keep(
        drop,
        [
            NewMessage(
                hash=bytes(16),
                version=1,
                time_stamp=1,
                acknowledge_id="0",
                sender=STRANGER.public_key.raw,
                receiver=bytes.fromhex(bob["public_key"]),
                model_object="chat",
                data=b'{"a":%b}' % number.encode(),
                received=1,
                identity_id=bob["id"],
                contact_id=None,
            )
        ],
        now=1.0,
    )
    server.core.inbox.arrived(kept.messages[0].id, 1)
    server.core.journal.advance(kept.messages[0].id)
    for way in await readings(server):
        assert way == [{"a": json.loads(number)}]
