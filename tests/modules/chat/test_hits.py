"""The search of messages, over REST."""

from typing import Any
from urllib.parse import quote

import pytest
import pytest_twisted

from tests.modules.chat.test_messages import MEMBERS


async def search(chat: Any, query: str, **more: object) -> list[str]:
    """Return the texts that are found, newest first."""
    further = "".join(f"&{name}={value}" for name, value in more.items())
    found = await chat.good("GET", f"/chat/search?q={quote(query)}{further}")
    return [each["text"] for each in found["hits"]]


@pytest_twisted.ensureDeferred
async def test_hits(chat: Any) -> None:
    """A hit is a message, with the words in their context, and where they are in it."""
    here = await chat.open()
    long = "before " * 30 + "the Straße is here, " + "after " * 30
    await chat.say(here, long)
    found = await chat.good("GET", "/chat/search?q=strass")
    assert [each["direction"] for each in found["hits"]] == ["in", "out"]
    for hit in found["hits"]:
        assert hit.keys() == {*MEMBERS, "context", "places"}
        assert hit["text"] == long
        assert hit["context"].startswith("…")
        assert hit["context"].endswith("…")
        [[start, end]] = hit["places"]
        assert hit["context"][start:end] == "Straße"
    assert found["hits"][1]["conversation"] == here


@pytest_twisted.ensureDeferred
async def test_pages(chat: Any) -> None:
    """Pages follow each other without gap and repetition, newest first."""
    here = await chat.open()
    for number in range(3):
        await chat.say(here, f"word {number}")
    seen, query = [], "/chat/search?q=wor&limit=2"
    while True:
        page = await chat.good("GET", query)
        if not page["hits"]:
            break
        assert len(page["hits"]) <= 2
        seen += [(each["text"], each["direction"]) for each in page["hits"]]
        query = f"/chat/search?q=wor&limit=2&before={page['cursor']}"
    assert seen == [(f"word {each}", way) for each in (2, 1, 0) for way in ("in", "out")]


@pytest_twisted.ensureDeferred
async def test_narrowed(chat: Any) -> None:
    """An identity and a contact are named by id or key; unknown ones are errors."""
    await chat.say(await chat.open("Alice"), "Hello")
    await chat.say(await chat.open("Bob"), "Hello too")
    [alice, bob] = chat.server.core.people.identities()
    assert await search(chat, "hello") == ["Hello too", "Hello too", "Hello", "Hello"]
    for name in (alice.id, alice.public_key):
        assert await search(chat, "hello", identity=name) == ["Hello too", "Hello"]
    [contact] = chat.server.core.people.contacts(alice.id)
    for name in (contact.id, contact.public_key):
        assert await search(chat, "hello", contact=name) == ["Hello too", "Hello"]
        assert await search(chat, "hello", contact=name, identity=bob.id) == []
    for query in ("identity=77", "contact=77", f"contact={'ab' * 32}", "contact=x"):
        got = await chat.ask("GET", f"/chat/search?q=hello&{query}")
        assert got.status == 400
        assert got.json()["errors"][0]["key"] == query.split("=")[0]


@pytest_twisted.ensureDeferred
async def test_requests_are_not_found(chat: Any) -> None:
    """What strangers write is searched once they are accepted."""
    await chat.eve_writes("Hello from Eve")
    await chat.say(await chat.open(), "Hello")
    assert await search(chat, "hello") == ["Hello", "Hello"]
    assert await search(chat, "eve") == []
    [request] = (await chat.good("GET", "/chat/requests"))["requests"]
    await chat.good("POST", f"/chat/requests/{request['id']}/accept", {})
    assert await search(chat, "eve") == ["Hello from Eve"]


@pytest_twisted.ensureDeferred
async def test_deleted_messages_are_not_found(chat: Any) -> None:
    """What was deleted is found no more, wherever it was deleted."""
    here = await chat.open()
    said = await chat.say(here, "Hello")
    await chat.good("DELETE", f"/chat/messages/{said['id']}")
    assert await search(chat, "hello") == ["Hello"]
    [received] = await chat.good("GET", "/drop?since=0")
    await chat.good("DELETE", f"/drop/{received['id']}")
    assert await search(chat, "hello") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("q=", 400),
        (f"q={'a' * 1001}", 400),
        ("q=%ff", 400),
        ("q=a&limit=0", 400),
        ("q=a&before=x", 400),
        ("q=a&before=999999999999999999-999999999999999999", 200),
        ("q=%22", 200),
        ("q=NOT%20(", 200),
    ],
)
@pytest_twisted.ensureDeferred
async def test_queries(chat: Any, query: str, status: int) -> None:
    """What is no query is an error that says so; every text is one."""
    assert await chat.status("GET", f"/chat/search?{query}") == status


@pytest_twisted.ensureDeferred
async def test_scopes(chat: Any) -> None:
    """Reading is what it needs."""
    for scope, status in (("chat:send", 403), ("chat:read", 200)):
        token = await chat.token(scope)
        assert await chat.status("GET", "/chat/search?q=a", token=token) == status
