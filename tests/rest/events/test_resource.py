"""``/events``: telling those who listen, each at its own pace."""

import json
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock

from qabel.rest.events.streams import HEARTBEAT


def unchunked(data: bytes) -> bytes:
    """Take apart what was sent in chunks."""
    text = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if len(rest) < length + 2:
            break
        text, data = text + rest[:length], rest[length + 2 :]
    return text


class Listener:
    """A client that listens."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire

    async def begin(self, server: Any, path: str = "/events", **headers: Any) -> "Listener":
        """Ask, and wait until it is listened to."""
        self.wire.send(server.request("GET", path, **headers))
        self.head = await self.wire.until(b"\r\n\r\n")
        await self.events(1)
        return self

    async def events(self, count: int) -> list[dict[str, str]]:
        """Return all that came, once there are so many; the first one is only a place."""
        while True:
            blocks = unchunked(self.wire.received).decode().split("\n\n")[:-1]
            if len(blocks) >= count:
                lines = [[line for line in each.split("\n") if line[0] != ":"] for each in blocks]
                return [dict(line.split(": ", 1) for line in each) for each in lines]
            assert not self.wire.is_closed
            await self.wire.more()


@pytest_twisted.ensureDeferred
async def test_events(server: Any) -> None:
    """Messages, sends and changed settings are told, each with its place."""
    await server.friends()
    listener = await Listener(await server.wire()).begin(server)
    assert b"200 OK" in listener.head
    assert b"Content-Type: text/event-stream" in listener.head
    assert b"X-Accel-Buffering: no" in listener.head
    assert b"Cache-Control: no-store, no-cache, no-transform" in listener.head
    await server.receive("Hello")
    await server.ask_json("PUT", "/settings", {"key": "module_data.a", "value": {}})
    events = await listener.events(4)
    assert "event" not in events[0]
    told = {each["event"]: json.loads(each["data"]) for each in events[1:]}
    assert told["drop"]["data"] == {"msg": "Hello"}
    assert set(told) == {"outbox", "drop", "settings"}
    assert events[-1]["id"] == server.core.journal.newest


@pytest_twisted.ensureDeferred
async def test_resume(server: Any) -> None:
    """Who comes again with the last id, or the place of an answer, misses nothing."""
    await server.friends()
    listener = await Listener(await server.wire()).begin(server, "/events?kinds=drop")
    [first] = await listener.events(1)
    listener.wire.close()
    await server.receive("one", "two")
    resumed = await Listener(await server.wire()).begin(
        server, "/events?kinds=drop&since=0", last_event_id=first["id"]
    )
    events = await resumed.events(3)
    assert [json.loads(each["data"])["data"]["msg"] for each in events[1:]] == ["one", "two"]
    resumed.wire.close()
    again = await Listener(await server.wire()).begin(
        server, "/events?kinds=drop", last_event_id=events[1]["id"]
    )
    [_, last] = await again.events(2)
    assert json.loads(last["data"])["data"]["msg"] == "two"


@pytest_twisted.ensureDeferred
async def test_kinds_by_scope(server: Any) -> None:
    """A token is told of what it may know; who asks for more is refused."""
    await server.friends()
    made = await server.ask_json("POST", "/tokens", {"name": "r", "scopes": ["read"]})
    token = made.json()["token"]
    assert (await server.ask("GET", "/events?kinds=settings", token=token)).status == 403
    assert (await server.ask("GET", "/events?kinds=nothing")).status == 400
    listener = await Listener(await server.wire()).begin(server, token=token)
    await server.ask_json("PUT", "/settings", {"key": "module_data.a", "value": {}})
    await server.receive("Hello")
    events = await listener.events(3)
    assert {each["event"] for each in events[1:]} == {"drop", "outbox"}


@pytest_twisted.ensureDeferred
async def test_an_event_is_one_line_for_everybody(server: Any) -> None:
    """What Python and others take for the end of a line is escaped in the data."""
    await server.friends()
    listener = await Listener(await server.wire()).begin(server)
    text = "a\u2028b\u2029c\x85d\u00e9\n"
    await server.receive(text)
    [event] = [each for each in await listener.events(3) if each.get("event") == "drop"]
    assert len(event["data"].splitlines()) == 1
    assert "\u00e9" in event["data"]
    assert json.loads(event["data"])["data"] == {"msg": text}


@pytest_twisted.ensureDeferred
async def test_head(server: Any) -> None:
    """HEAD has the headers of a stream, and ends."""
    got = await server.ask("HEAD", "/events")
    assert (got.status, got.headers["content-type"]) == (200, "text/event-stream")
    assert got.headers["x-accel-buffering"] == "no"


class ManualClock(Clock):
    """A clock that is put forward by hand; all else is the real reactor's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


@pytest_twisted.ensureDeferred
async def test_heartbeat(make_server: Any) -> None:
    """A comment every 15 seconds shows that the other is there; a revoked token ends it."""
    clock = ManualClock()
    server = await make_server(clock=clock)
    made = await server.ask_json("POST", "/tokens", {"name": "r", "scopes": ["read"]})
    listener = await Listener(await server.wire()).begin(server, token=made.json()["token"])
    for _ in range(2):
        listener.wire.received = b""
        clock.advance(HEARTBEAT)
        await listener.wire.until(b": \n\n")
    await server.ask("DELETE", made.headers["location"])
    clock.advance(HEARTBEAT)
    await listener.wire.closed()


@pytest_twisted.ensureDeferred
async def test_slow_listener(make_server: Any) -> None:
    """A listener that does not read is not written to without end, and is cut off; others go on."""
    clock = ManualClock()
    server = await make_server(clock=clock)
    await server.friends()
    slow = await Listener(await server.wire()).begin(server)
    quick = await Listener(await server.wire()).begin(server)
    channel = server.narrow(slow.wire)
    await server.receive(*(str(number) * 500 for number in range(100, 200)))
    await server.until(lambda: channel._waitingForTransport)
    await quick.events(201)
    clock.advance(HEARTBEAT)
    clock.advance(HEARTBEAT)
    await server.until(lambda: len(server.site._working) == 1)
    assert not quick.wire.is_closed


@pytest_twisted.ensureDeferred
async def test_many_listeners(server: Any) -> None:
    """However many listen, all are told."""
    listeners = [await Listener(await server.wire()).begin(server) for _ in range(250)]
    await server.core.local.set("module_data.a", {})
    for each in listeners:
        assert (await each.events(2))[1]["event"] == "settings"


@pytest_twisted.ensureDeferred
async def test_closing(server: Any) -> None:
    """When the server ends, those who listen are hung up on at once."""
    listener = await Listener(await server.wire()).begin(server)
    waiting = await server.wire()
    await server.port.stopListening()
    await server.site.close(grace=0.01)
    await listener.wire.closed()
    await waiting.closed()


@pytest_twisted.ensureDeferred
async def test_empty_last_event_id(server: Any) -> None:
    """An empty Last-Event-ID, as some clients send it at first, leaves ``since`` in force."""
    await server.friends()
    listener = Listener(await server.wire())
    await listener.begin(server, "/events?since=0&kinds=synced", last_event_id="")
    [start, first, *_] = await listener.events(2)
    assert start["id"].endswith(".0")
    assert first["event"] == "synced"
