"""The block server as a whole: starting, stopping, listeners, and what a crash leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, TextMessage

from qabel.blockserver.service import BlockServerService
from qabel.host.start_errors import StartError
from tests.blockserver.conftest import ANNA

HANDSHAKE = (
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: v0.ws.block.qabel.de\r\n"
)


async def listen(server: Any, path: str, token: str = "") -> "tuple[str, Any]":
    """Listen to a path; return the head of the response, and what returns the next frames."""
    authorization = f"Authorization: Token {token}\r\n" if token else ""
    conversation = await server.connect()
    conversation.transport.write(
        f"GET /api/v0/websocket/{path} HTTP/1.1\r\n{HANDSHAKE}{authorization}\r\n".encode()
    )
    data = await conversation.until(lambda data: b"\r\n\r\n" in data)
    head, _, _ = data.partition(b"\r\n\r\n")
    taken, events = len(head) + 4, list[Event]()
    connection = Connection(ConnectionType.CLIENT)

    async def receive(count: int) -> list[Event]:
        def enough(data: bytes) -> bool:
            nonlocal taken
            connection.receive_data(data[taken:])
            taken = len(data)
            events.extend(connection.events())
            return len(events) >= count

        await conversation.until(enough)
        return events

    return head.decode(), receive


@pytest_twisted.ensureDeferred
async def test_listeners_are_told(running: Any) -> None:
    """The owner of all in a prefix, and anybody of one name; with the tag that is there now."""
    async with running() as server:
        head, of_prefix = await listen(server, server.prefix, ANNA)
        _, of_name = await listen(server, f"{server.prefix}/meta1")
        assert head.startswith("HTTP/1.1 101 ")
        assert "Sec-WebSocket-Protocol: v0.ws.block.qabel.de" in head
        first = (await server.put("meta1", b"1")).headers["ETag"]
        second = (await server.put("blocks/b1", b"2")).headers["ETag"]
        await server.put("meta1", b"3", If_Match='"x"')
        await server.call("DELETE", server.file("meta1"))
        texts = [json.loads(each.data) for each in await of_prefix(3)]

        def told(operation: str, name: str, **more: str) -> dict[str, str]:
            path = f"{server.prefix}/{name}"
            return {"operation": operation, "prefix": server.prefix, "path": path, **more}

        assert texts == [
            told("POST", "meta1", etag=first),
            told("POST", "blocks/b1", etag=second),
            told("DELETE", "meta1"),
        ]
        events = await of_name(2)
        assert all(isinstance(each, TextMessage) for each in events)
        assert [json.loads(each.data) for each in events] == [texts[0], texts[2]]
    (goodbye,) = (await of_name(3))[2:]
    assert isinstance(goodbye, CloseConnection)
    assert goodbye.code == 1001


@pytest_twisted.ensureDeferred
async def test_there_are_not_too_many_listeners(running: Any) -> None:
    """Those beyond are told to come again."""
    async with running(listeners=1) as server:
        await listen(server, f"{server.prefix}/a")
        head, _ = await listen(server, f"{server.prefix}/a")
        assert head.startswith("HTTP/1.1 503 ")


@pytest_twisted.ensureDeferred
async def test_all_is_there_after_a_restart(running: Any) -> None:
    """And what a crash has left is not."""
    async with running() as server:
        tag = (await server.put("meta", b"kept")).headers["ETag"]
    for name in ("0" * 30, "f" * 30):
        left = server.data / "objects" / "ab" / name
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"left by a crash")
    async with running() as server:
        while len(server.objects()) > 1:
            await deferLater(reactor, 0.01)
        answer = await server.get("meta")
        assert (answer.body, answer.headers["ETag"]) == (b"kept", tag)


@pytest_twisted.ensureDeferred
async def test_an_upload_at_the_end(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not arrived when the server stops is cut, and the next start deletes it."""
    monkeypatch.setattr("qabel.blockserver.service.CLOSE_TIME", 0.1)
    async with running() as server:
        speaker = await server.connect()
        speaker.transport.write(
            f"POST /api/v0{server.file('b')} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {ANNA}\r\n"
            "Content-Length: 100\r\n\r\nhalf".encode()
        )
        while not server.objects():
            await deferLater(reactor, 0.01)
    assert b"204" not in await speaker.closed
    async with running() as server:
        while server.objects():
            await deferLater(reactor, 0.01)
        assert (await server.get("b")).status == 404


@pytest_twisted.ensureDeferred
async def test_one_server_for_a_directory(running: Any, tmp_path: Path) -> None:
    """Another one ends with one line, and the first is not disturbed."""
    async with running() as server:
        other = BlockServerService(tmp_path / "data", reactor)
        with pytest.raises(StartError):
            other.startService()
        assert (await server.put("x", b"1")).status == 204


def test_an_index_that_is_none(tmp_path: Path) -> None:
    """The directory is free again, and nothing is overwritten."""
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "index.sqlite").write_bytes(b"something else" * 100)
    for _ in range(2):
        with pytest.raises(StartError, match=r"index\.sqlite"):
            BlockServerService(data, reactor).startService()
    assert (data / "index.sqlite").read_bytes().startswith(b"something else")
