"""What is a token's own: its sends, consumers and idempotency keys; other tokens' are not there."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
import pytest_twisted


class Office:
    """A server with Alice and Bob, and programs with tokens of their own."""

    def __init__(self, server: Any) -> None:
        self.server = server

    async def token(self, *scopes: str, identity: int | None = None) -> str:
        """Return a new token."""
        given = {"name": "t", "scopes": scopes, "identity": identity}
        made = await self.server.ask_json("POST", "/tokens", given)
        value: str = made.json()["token"]
        return value

    async def send(self, token: str, text: str, **headers: str) -> Any:
        """Send a message from Alice to Bob."""
        [contact] = self.server.core.people.contacts(1)
        given = {
            "sender": 1,
            "recipients": [contact.id],
            "drop_message": {"model_object": "chat", "data": {"msg": text}},
        }
        return await self.server.ask_json("POST", "/drop", given, token=token, **headers)

    async def sends(self, token: str) -> list[str]:
        """Return what a token sees in the outbox."""
        listed = (await self.server.ask("GET", "/outbox", token=token)).json()
        return [each["message"]["data"]["msg"] for each in listed]

    async def new(self, token: str, query: str = "") -> list[str]:
        """Return the messages that are new to a token, and have its cursor move."""
        got = await self.server.ask("GET", f"/drop{query}", token=token)
        await self.server.until(lambda: not self.server.core.inbox._turns._on_their_way)
        return texts(got.json()) if got.status == 200 else []


def texts(messages: Iterable[Any]) -> list[str]:
    """Return what is written in messages."""
    return [each["data"]["msg"] for each in messages]


@pytest_twisted.async_yield_fixture
async def office(server: Any) -> Any:
    """Return a server on which Alice knows Bob."""
    await server.friends()
    yield Office(server)


@pytest_twisted.ensureDeferred
async def test_senders_see_what_they_sent(office: Office) -> None:
    """A send is there for its own token, for readers, and for the owner; not for other senders."""
    one, other = await office.token("send"), await office.token("send")
    reader, admin = await office.token("read"), await office.token("admin")
    location = (await office.send(one, "by one")).headers["location"]
    await office.send(office.server.token, "by the owner")
    everything = ["by one", "by the owner"]
    seen = [await office.sends(each) for each in (one, other, reader, admin, office.server.token)]
    assert seen == [["by one"], [], everything, everything, everything]

    async def answer(method: str, token: str, path: str) -> tuple[int, str]:
        got = await office.server.ask(method, path, token=token)
        return got.status, got.body.decode().replace(path.rpartition("/")[2], "N")

    for method in ("GET", "DELETE"):
        assert await answer(method, other, location) == await answer(method, other, "/outbox/99")
        assert (await answer(method, other, location))[0] == 404
    assert (await answer("DELETE", one, "/outbox/2"))[0] == 404
    assert (await answer("DELETE", one, location))[0] == 204
    assert await office.sends(office.server.token) == ["by the owner"]


@pytest_twisted.ensureDeferred
async def test_readers_cancel_only_what_they_sent(office: Office) -> None:
    """Seeing all sends is not cancelling them; admins may."""
    both, admin = await office.token("read", "send"), await office.token("admin")
    location = (await office.send(office.server.token, "by the owner")).headers["location"]
    assert (await office.server.ask("GET", location, token=both)).status == 200
    assert (await office.server.ask("DELETE", location, token=both)).status == 404
    assert (await office.server.ask("DELETE", location, token=admin)).status == 204


@pytest_twisted.ensureDeferred
async def test_idempotency_keys_are_a_tokens_own(office: Office) -> None:
    """A key that another token took first is as good as new; a repetition is told its own."""
    one, other = await office.token("send"), await office.token("send")
    given = {"idempotency_key": "order-1"}
    first = await office.send(one, "by one", **given)
    second = await office.send(office.server.token, "by the owner", **given)
    third = await office.send(other, "by one", **given)
    assert [each.status for each in (first, second, third)] == [201, 201, 201]
    assert len({each.headers["location"] for each in (first, second, third)}) == 3
    again = await office.send(one, "by one", **given)
    assert (again.headers["location"], again.body) == (first.headers["location"], first.body)
    assert (await office.send(one, "else", **given)).status == 409


@pytest_twisted.ensureDeferred
async def test_consumers_are_a_tokens_own(office: Office) -> None:
    """What a token reads is still new to others, also to the owner with the same consumer."""
    await office.server.receive("one")
    reader, other = await office.token("read"), await office.token("read")
    limited = await office.token("read", identity=2)
    for each in (reader, other, limited, office.server.token):
        assert await office.new(each) == ["one"]
        assert await office.new(each) == []
        assert await office.new(each, "?consumer=b") == ["one"]
        assert await office.new(each, "?model_object=chat") == ["one"]
        # The view of a limited token has this condition anyway.
        expected = [] if each == limited else ["one"]
        assert await office.new(each, "?model_object=chat&identity=2") == expected


@pytest_twisted.ensureDeferred
async def test_an_admin_reads_as_another(office: Office) -> None:
    """With ``of`` the consumer of another token is read and moved; for admins only."""
    await office.server.receive("one", "two")
    reader, admin = await office.token("read"), await office.token("admin")
    assert await office.new(reader, "?limit=1") == ["one"]
    for token in (admin, office.server.token):
        got = await office.server.ask("GET", "/drop?of=1&hold=1", token=token)
        assert texts(got.json()) == ["two"]
    latest = got.headers["x-qabel-latest"]
    path, ack = "/drop/ack?of=1", {"upto": latest}
    assert (await office.server.ask_json("POST", path, ack, token=reader)).status == 403
    assert (await office.server.ask("GET", "/drop?of=0", token=reader)).status == 403
    assert (await office.server.ask_json("POST", path, ack, token=admin)).status == 204
    assert await office.new(reader) == []
    assert (await office.server.ask("GET", "/drop?of=99", token=admin)).status == 404
    assert await office.new(admin, "?of=0") == ["one", "two"]
    assert await office.new(office.server.token) == []
    assert await office.new(admin) == ["one", "two"]


@pytest.mark.parametrize("scope", ["send", "read", "admin"])
@pytest_twisted.ensureDeferred
async def test_events_of_sends(office: Office, scope: str) -> None:
    """Senders hear what became of their own sends; readers and admins of all."""
    token = await office.token(scope)
    await office.send(await office.token("send"), "by another")
    await office.send(office.server.token, "by the owner")
    sender = token if scope == "send" else await office.token("send")
    own = (await office.send(sender, "own")).json()["id"]
    wire = await office.server.wire()
    wire.send(office.server.request("GET", "/events?since=0&kinds=outbox", token=token))
    heard = b""
    while f'"id":{own},' not in heard.decode():
        heard += await wire.until(b"\n\n")
    wire.close()
    ids = [json.loads(each[6:])["id"] for each in heard.splitlines() if each[:6] == b"data: "]
    assert ids == ([own] if scope == "send" else [1, 2, 3])


@pytest_twisted.ensureDeferred
async def test_a_foreign_contact_is_as_good_as_none(office: Office) -> None:
    """A token for one identity cannot tell another's contacts from ids that nobody has."""
    server = office.server
    token = await office.token("read", "send", "contacts", identity=1)
    [foreign] = server.core.people.contacts(2)
    message = {"model_object": "chat", "data": {}}

    async def answers(contact: int, identity: int) -> list[Any]:
        body = {"sender": 1, "recipients": [contact], "drop_message": message}
        other = {**body, "sender": identity}
        asked = [
            await server.ask("GET", f"/contacts/{contact}", token=token),
            await server.ask("GET", f"/contacts?identity={identity}", token=token),
            await server.ask("GET", f"/drop?contact={contact}", token=token),
            await server.ask("GET", f"/drop?identity={identity}", token=token),
            await server.ask_json("POST", "/drop", body, token=token),
            await server.ask_json("POST", "/drop", other, token=token),
        ]
        return [(each.status, each.body.replace(str(contact).encode(), b"N")) for each in asked]

    assert await answers(foreign.id, 2) == await answers(98, 99)
