"""A token that has ended: nothing more is told to whoever asked with it, however it ended."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_twisted

from qabel.store.journal.cursors import CursorRepository
from tests.rest.test_owners import Office

Ending = Callable[[Office], Awaitable[None]]


async def revoke(office: Office) -> None:
    """Revoke the token."""
    assert (await office.server.ask("DELETE", "/tokens/1")).status == 204


async def delete_identity(office: Office) -> None:
    """Delete the identity of the token."""
    assert (await office.server.ask("DELETE", "/identities/2")).status == 204


async def leave_out_identity(office: Office) -> None:
    """Replace the document by one without the identity of the token."""
    document = (await office.server.ask("GET", "/synced")).json()
    document["identities"] = [each for each in document["identities"] if each["id"] != 2]
    document["contacts"] = []
    got = await office.server.ask_json("POST", "/synced", {"settings": document})
    assert got.status == 200


async def replace_key(office: Office) -> None:
    """Give the identity of the token another key."""
    await leave_contacts_out(office)
    keys = {"private_key": "11" * 32, "public_key": PUBLIC_OF_11}
    got = await office.server.ask_json(
        "PUT", "/synced", {"key": "identities.2.keys", "value": keys}
    )
    assert got.status == 200, got


async def leave_contacts_out(office: Office) -> None:
    """Delete all contacts, so that none has an owner that is not there."""
    await office.server.ask_json("PUT", "/synced", {"key": "contacts", "value": []})


PUBLIC_OF_11 = "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13"

ENDINGS: list[Ending] = [revoke, delete_identity, leave_out_identity, replace_key]


@pytest_twisted.async_yield_fixture
async def office(server: Any) -> Any:
    """Return a server on which Alice knows Bob."""
    await server.friends()
    yield Office(server)


@pytest.fixture(params=ENDINGS, ids=lambda each: each.__name__)
def ending(request: Any) -> Ending:
    """Return one way in which a token for an identity ends."""
    found: Ending = request.param
    return found


@pytest_twisted.ensureDeferred
async def test_streams_and_long_polls_end_at_once(office: Office, ending: Ending) -> None:
    """A stream is cut and a long poll is answered 401, before anything new can come."""
    server, token = office.server, await office.token("read", identity=2)
    stream, poll = await server.wire(), await server.wire()
    stream.send(server.request("GET", "/events", token=token))
    await stream.until(b"id: ")
    poll.send(server.request("GET", "/drop?wait=60", token=token))
    await server.until(lambda: len(server.site._working) == 2)
    await ending(office)
    got = await poll.answer()
    assert got.status == 401
    assert got.headers["www-authenticate"] == "Bearer"
    await stream.closed()
    # The connection is kept, and the next request on it gets no further.
    poll.send(server.request("GET", "/drop?since=0", token=token))
    assert (await poll.answer()).status == 401
    assert (await server.ask("GET", "/tokens")).json() == []


@pytest_twisted.ensureDeferred
async def test_another_identity_under_the_same_id(office: Office) -> None:
    """Whoever comes to the number of a deleted identity has no token for it."""
    server, token = office.server, await office.token("read", identity=2)
    await server.receive("to Bob")
    await replace_key(office)
    assert (await server.ask("GET", "/drop?since=0", token=token)).status == 401
    fresh = await office.token("read", identity=2)
    got = await server.ask("GET", "/drop?since=0", token=fresh)
    assert got.status == 204
    assert (await server.ask("GET", "/drop/1", token=fresh)).status == 404
    assert (await server.ask("GET", "/outbox", token=fresh)).json() == []


@pytest_twisted.ensureDeferred
async def test_the_main_token_is_replaced(office: Office) -> None:
    """What was asked with the old one ends; the request that replaced it is answered."""
    server, old = office.server, office.server.token
    other = await office.token("read")
    polls = [await server.wire() for _ in range(2)]
    for wire, token in zip(polls, (old, other), strict=True):
        wire.send(server.request("GET", "/drop?wait=60", token=token))
    await server.until(lambda: len(server.site._working) == 2)
    assert (await server.ask("POST", "/tokens/main", token=old)).status == 204
    assert (await polls[0].answer()).status == 401
    await server.receive("still told")
    assert (await polls[1].answer()).status == 200


@pytest_twisted.ensureDeferred
async def test_a_token_revokes_itself(office: Office) -> None:
    """The request that revokes its own token is answered; the next one is not."""
    token = await office.token("sessions")
    assert (await office.server.ask("DELETE", "/tokens/1", token=token)).status == 204
    assert (await office.server.ask("GET", "/tokens", token=token)).status == 401


@pytest_twisted.ensureDeferred
async def test_a_body_that_is_still_arriving(office: Office) -> None:
    """A request whose token is revoked meanwhile is answered 401 at once, and does nothing."""
    server, token = office.server, await office.token("send")
    [contact] = server.core.people.contacts(1)
    message = {"model_object": "chat", "data": {}}
    body = json.dumps({"sender": 1, "recipients": [contact.id], "drop_message": message}).encode()
    whole = server.request("POST", "/drop", body, token=token, content_type="application/json")
    wire = await server.wire()
    wire.send(whole[:-10])
    await server.until(lambda: any(each.is_trusted for each in server.site._waiting))
    await revoke(office)
    assert b" 401 " in await wire.until(b"\r\n")
    wire.send(whole[-10:])
    await wire.closed()
    assert (await server.ask("GET", "/outbox")).json() == []


@pytest_twisted.ensureDeferred
async def test_a_page_that_is_read_slowly(office: Office) -> None:
    """A page under way is cut off, counts as not delivered, and leaves no cursor behind."""
    server, token = office.server, await office.token("read")
    await server.receive(*("x" * 1400 for _ in range(700)))
    wire = await server.wire()
    wire.send(server.request("GET", "/drop", token=token))
    await wire.until(b"200 OK")
    server.narrow(wire)
    await server.until(lambda: bool(server.core.inbox._turns._on_their_way))
    await revoke(office)
    wire.transport.resumeProducing()
    await wire.closed()
    await server.until(lambda: not server.core.inbox._turns._on_their_way)
    stored = await CursorRepository(server.core._base.database).load()
    assert stored.consumers == server.core._base.inbox_state.consumers == {}


@pytest_twisted.ensureDeferred
async def test_cursors_and_keys_go_with_the_token(office: Office) -> None:
    """Nothing of a revoked token's stays, in memory or on disk; what it sent stays sent."""
    server, token = office.server, await office.token("read", "send")
    await office.send(token, "sent", idempotency_key="a")
    await server.core.poller.poll_now()
    assert await office.new(token) == ["sent"]
    await revoke(office)
    database = server.core._base.database
    rows = await database.run(
        lambda c: c.execute(
            "SELECT owner FROM consumers UNION ALL SELECT owner FROM idempotency"
        ).fetchall()
    )
    assert (rows, server.core._base.inbox_state.consumers) == ([], {})
    assert await office.sends(server.token) == ["sent"]
