"""The drop server as a service: starting, stopping, and what outlives that."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from qabel.dropserver import server_limits
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Post, Retention, hash_drop_id
from qabel.dropserver.server_limits import ServerLimits
from qabel.dropserver.service import FILE_NAME, DropServerService
from qabel.host.data_directory import DirectoryLock
from qabel.host.start_errors import StartError
from tests.dropserver.test_drop_resource import A, messages

HANDSHAKE = """\
Host: x\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13"""


@pytest_twisted.ensureDeferred
async def test_the_directory_is_its_own(running: Any, tmp_path: Path) -> None:
    """A second drop server on the same directory does not start, and the first goes on."""
    async with running() as server:
        with pytest.raises(StartError):
            DropServerService(tmp_path / "data", reactor=reactor).startService()
        assert (await server.ask("GET", A)).status == 204


def test_a_file_that_is_not_ours(tmp_path: Path) -> None:
    """With another file in its place it does not start, and leaves the directory unlocked."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / FILE_NAME).write_bytes(b"precious" * 1000)
    with pytest.raises(StartError, match=FILE_NAME):
        DropServerService(data, reactor=reactor).startService()
    with DirectoryLock(data):
        assert (data / FILE_NAME).read_bytes() == b"precious" * 1000


@pytest_twisted.ensureDeferred
async def test_it_serves_only_while_it_runs(running: Any) -> None:
    """After the service stopped, requests get 503."""
    async with running() as server:
        await server.service.stopService()
        answer = await server.ask("GET", A)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")


@pytest_twisted.ensureDeferred
async def test_messages_survive_a_restart(running: Any) -> None:
    """Messages survive a restart of the server."""
    async with running() as server:
        await server.post(A, b"1")
        latest = (await server.ask("HEAD", A)).headers["X-Qabel-Latest"]
    async with running() as server:
        await server.post(A, b"2")
        assert messages(await server.ask("GET", A)) == [b"1", b"2"]
        assert messages(await server.ask("GET", A, {"X-Qabel-New-Since": latest})) == [b"2"]


@pytest_twisted.ensureDeferred
async def test_who_asks_is_known_after_a_restart(running: Any, tmp_path: Path) -> None:
    """Whoever fetches from a drop or listens to it asks for it, posting does not; it is kept."""
    drops = [f"/{number:043d}" for number in range(5)]
    async with running() as server:
        for drop in drops:
            await server.post(drop, b"x")
        await server.ask("GET", drops[0])
        await server.ask("HEAD", drops[1], {"X-Qabel-New-Since": "1795000000.0"})
        ear = await server.connect()
        ear.transport.write(f"GET {drops[2]}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n\r\n".encode())
        await ear.until(lambda data: b"101 Switching" in data)
        await server.ask("GET", drops[3] + "/ws")
    file = MessageFile(tmp_path / "data" / FILE_NAME, Retention())
    known = [hash_drop_id(drop[1:]) in file._asked.drops for drop in drops]
    file.close()
    assert known == [True, True, True, False, False]


@pytest_twisted.ensureDeferred
async def test_who_listens_for_long_asks_all_the_time(running: Any) -> None:
    """A listener keeps its drop asked for, however long ago it came."""
    async with running() as server:
        ear = await server.connect()
        ear.transport.write(f"GET {A}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n\r\n".encode())
        await ear.until(lambda data: b"101 Switching" in data)
        known = await server.on_file(lambda file: file._asked.drops)
        await server.on_file(lambda file: (known.bits.clear(), known.changed.clear()))
        await server.service._keep_house()
        assert hash_drop_id(A[1:]) in known
        assert not known.changed


@pytest_twisted.ensureDeferred
async def test_connections_are_bounded(running: Any) -> None:
    """A connection beyond the limit is turned away; those that wait for an answer are served."""
    async with running(limits=ServerLimits(connections=1)) as server:
        idle = await server.connect()
        busy = await server.connect()
        assert await idle.closed == b""
        busy.transport.write(f"GET {A}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n\r\n".encode())
        await busy.until(lambda data: b"101 Switching" in data)
        assert b"503 Service Unavailable" in await (await server.connect()).closed
        busy.transport.loseConnection()
        await busy.closed
        assert (await server.ask("GET", A)).status == 204


@pytest.mark.parametrize(("bits", "most"), [(256, 1), (12, 3)])
@pytest_twisted.ensureDeferred
async def test_listeners_where_people_share_drops(
    running: Any, monkeypatch: pytest.MonkeyPatch, bits: int, most: int
) -> None:
    """Beside those of one drop, one that people share may have its part of all, times four."""
    monkeypatch.setattr(server_limits, "MAX_SUBSCRIBERS_PER_TOPIC", 1)
    limits = ServerLimits(listeners=2048)
    async with running(Retention(drop_id_bits=bits), limits=limits) as server:
        responses, listeners = [], []
        for _ in range(most + 1):
            listener = await server.connect()
            listener.transport.write(f"GET {A}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n\r\n".encode())
            responses.append(await listener.until(lambda data: b"\r\n\r\n" in data))
            listeners.append(listener)
        for each in listeners:
            each.transport.loseConnection()
            await each.closed
    assert [each[9:12] for each in responses] == [b"101"] * most + [b"503"]


@pytest_twisted.ensureDeferred
async def test_a_stopping_server_does_not_wait_for_a_reader(running: Any) -> None:
    """A client that has stopped reading is disconnected when the server stops."""
    async with running() as server:
        store = server.service._store
        await gatherResults([store.append(Post(A[1:], b"x" * 2500)) for _ in range(5000)])
        conversation = await server.connect()
        conversation.transport.write(f"GET {A} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await conversation.until(bool)
        conversation.transport.pauseProducing()
    conversation.transport.resumeProducing()
    await conversation.closed.addTimeout(5, reactor)
