"""``/outbox``: what was sent, and what became of it."""

from typing import Any

import pytest
import pytest_twisted


@pytest_twisted.async_yield_fixture
async def sent(server: Any) -> Any:
    """Return a server on which Alice has sent three messages to Bob."""
    await server.friends()
    await server.receive("one", "two", "three", sender="Alice")
    yield server


async def ids(server: Any, query: str = "") -> list[int]:
    """Return the ids of the sends that are listed."""
    return [each["id"] for each in (await server.ask("GET", f"/outbox{query}")).json()]


@pytest_twisted.ensureDeferred
async def test_nothing_sent(server: Any) -> None:
    """An empty outbox is an empty list."""
    assert (await server.ask("GET", "/outbox")).json() == []


@pytest_twisted.ensureDeferred
async def test_listing(sent: Any) -> None:
    """Sends are listed oldest first, a page at a time, and each is read as it is listed."""
    first, second, third = await ids(sent)
    assert first < second < third
    assert await ids(sent, "?limit=2") == [first, second]
    assert await ids(sent, f"?after={first}&limit=1") == [second]
    assert await ids(sent, f"?after={third}") == []
    listed = (await sent.ask("GET", "/outbox")).json()
    assert (await sent.ask("GET", f"/outbox/{second}")).json() == listed[1]
    [recipient] = listed[1]["recipients"]
    assert recipient["state"] == "sent"


@pytest_twisted.ensureDeferred
async def test_deleting(sent: Any) -> None:
    """A deleted send is gone, and only that one."""
    first, second, third = await ids(sent)
    statuses = [(await sent.ask("DELETE", f"/outbox/{second}")).status for _ in range(2)]
    assert statuses == [204, 404]
    assert (await sent.ask("GET", f"/outbox/{second}")).status == 404
    assert await ids(sent) == [first, third]


@pytest_twisted.ensureDeferred
async def test_what_waits_is_never_posted_once_deleted(server: Any) -> None:
    """A message that waits for its drop server, and is deleted, is not posted when it is back."""
    await server.friends()
    server.drop_servers.is_away = True
    await server.receive("never", sender="Alice")
    [waiting] = (await server.ask("GET", "/outbox")).json()
    assert [each["state"] for each in waiting["recipients"]] == ["queued"]
    assert (await server.ask("DELETE", f"/outbox/{waiting['id']}")).status == 204
    server.drop_servers.is_away = False
    await server.receive("later", sender="Alice")
    messages = (await server.ask("GET", "/drop?since=0")).json()
    assert [each["data"]["msg"] for each in messages] == ["later"]


@pytest.mark.parametrize(
    ("query", "key"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("after=-1", "after"), ("x=1", "x")],
)
@pytest_twisted.ensureDeferred
async def test_invalid_parameters(server: Any, query: str, key: str) -> None:
    """A parameter that is out of range or unknown is named."""
    got = await server.ask("GET", f"/outbox?{query}")
    assert got.status == 400
    assert [each["key"] for each in got.json()["errors"]] == [key]
