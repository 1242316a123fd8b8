"""``/chat/requests``, over REST."""

from typing import Any

import pytest
import pytest_twisted

from qabel.crypto import PublicKey


async def requests(chat: Any, query: str = "") -> list[Any]:
    """Return the requests."""
    found: list[Any] = (await chat.good("GET", f"/chat/requests{query}"))["requests"]
    return found


async def stranger_writes(chat: Any) -> str:
    """Have Alice write to Bob, who does not know her; return the id of the request."""
    await chat.forget_contact("Bob")
    await chat.say(await chat.open("Alice"), "Hello Bob")
    [request] = await requests(chat)
    number: str = request["id"]
    return number


@pytest_twisted.ensureDeferred
async def test_a_request(chat: Any) -> None:
    """It stands apart from conversations, and is counted nowhere."""
    number = await stranger_writes(chat)
    [request] = await requests(chat)
    assert (request["alias"], request["introduced"], request["ignored"]) == ("Alice", True, False)
    assert request["last"]["text"] == "Hello Bob"
    [_, bob] = chat.server.core.people.identities()
    assert await requests(chat, f"?identity={bob.id}") == [request]
    assert (await chat.good("GET", "/chat/unread"))["total"] == 0
    shown = (await chat.good("GET", "/chat/conversations"))["conversations"]
    assert number not in [each["id"] for each in shown]
    path = f"/chat/conversations/{number}"
    assert await chat.status("PATCH", path, {"muted": True}) == 404
    assert await chat.status("POST", f"{path}/messages", {"text": "x"}) == 404
    assert await chat.texts(number) == ["Hello Bob"]


@pytest_twisted.ensureDeferred
async def test_accepting(chat: Any) -> None:
    """The sender is a contact, and what came before is the conversation."""
    number = await stranger_writes(chat)
    path = f"/chat/requests/{number}/accept"
    made = await chat.good("POST", path, {"alias": "Ally"})
    assert (made["id"], made["alias"], made["unread"]) == (number, "Ally", 1)
    assert await requests(chat) == []
    assert (await chat.good("GET", "/chat/unread"))["conversations"] == {number: 1}
    assert await chat.status("POST", path, {}) == 404


@pytest_twisted.ensureDeferred
async def test_without_introduction(chat: Any) -> None:
    """Who has not said who they are cannot be accepted."""
    await chat.server.core.local.merge({"privacy": {"introduce": "never"}})
    number = await stranger_writes(chat)
    [request] = await requests(chat)
    assert (request["alias"], request["introduced"]) == (None, False)
    got = await chat.ask("POST", f"/chat/requests/{number}/accept", {})
    assert got.status == 400
    assert "contact card" in got.json()["detail"]


@pytest_twisted.ensureDeferred
async def test_ignoring(chat: Any) -> None:
    """What somebody who is ignored writes is listed only if it is asked for."""
    number = await stranger_writes(chat)
    assert await chat.status("POST", f"/chat/requests/{number}/ignore") == 204
    await chat.say(await chat.open("Alice"), "Bob?")
    assert await requests(chat) == []
    [hidden] = await requests(chat, "?ignored=1")
    assert (hidden["id"], hidden["last"]["text"]) == (number, "Bob?")
    await chat.good("POST", f"/chat/requests/{number}/accept", {})
    assert await requests(chat, "?ignored=1") == []


@pytest_twisted.ensureDeferred
async def test_blocking(chat: Any) -> None:
    """The request is gone, and so is what the sender writes later; asked twice it is not there."""
    await chat.eve_writes("Hello")
    [request] = await requests(chat)
    assert request["alias"] == "Eve"
    path = f"/chat/requests/{request['id']}/block"
    assert await chat.status("POST", path) == 204
    assert await requests(chat) == []
    [blocked] = await chat.good("GET", "/blocked")
    assert blocked["public_key"] == request["public_key"]
    assert await chat.status("POST", path) == 404


@pytest_twisted.ensureDeferred
async def test_blocking_oneself(chat: Any) -> None:
    """An identity of the same daemon cannot be blocked, and the request stays."""
    number = await stranger_writes(chat)
    assert await chat.status("POST", f"/chat/requests/{number}/block") == 400
    assert len(await requests(chat)) == 1


@pytest.mark.parametrize("what", ["accept", "ignore", "block"])
@pytest_twisted.ensureDeferred
async def test_scopes(chat: Any, what: str) -> None:
    """All that is done with requests needs contacts."""
    path = f"/chat/requests/{'0' * 32}/{what}"
    reader, editor = await chat.token("chat:read", "chat:send"), await chat.token("contacts")
    body = {} if what == "accept" else None
    assert await chat.status("POST", path, body, token=reader) == 403
    assert await chat.status("POST", path, body, token=editor) == 404


@pytest_twisted.ensureDeferred
async def test_a_known_name_with_another_key(chat: Any) -> None:
    """A request of somebody who calls themselves like a contact names that contact."""
    [_, bob] = chat.server.core.people.identities()
    await stranger_writes(chat)
    other = await chat.server.core.people.add_contact(bob.id, "ALICE ", PublicKey(b"\5" * 32))
    [request] = await requests(chat)
    assert request["same_alias"] == [other.id]
    assert request["namesake"] == {"id": other.id, "verified": 0}
    await chat.good("POST", f"/chat/requests/{request['id']}/accept", {})
    accepted = max(await chat.good("GET", "/contacts"), key=lambda each: each["id"])
    assert accepted["namesake"] == {"id": other.id, "verified": 0}
