"""A Unix socket whose file goes away is there again soon, and connections to it stay."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from attrs import frozen
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock, deferLater
from twisted.protocols.wire import Echo

from qabel.host.listening import Listening
from qabel.host.private_sockets import PrivateSocketEndpoint
from qabel.host.socket_keeper import INTERVAL, SocketKeeper


@frozen
class Kept:
    """A socket that is looked after, on a clock of the test's own."""

    path: Path
    clock: Clock
    keeper: SocketKeeper
    listening: Listening

    def answers(self) -> bool:
        """Return whether somebody listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.path)) == 0


@pytest_twisted.async_yield_fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    """Listen on a socket, and look after it."""
    (tmp_path / "data").mkdir()
    path, clock, factory = tmp_path / "data" / "rest.sock", Clock(), Factory.forProtocol(Echo)
    endpoint = PrivateSocketEndpoint(reactor, path)
    listening = Listening(reactor, [endpoint], factory, name="test")
    listening.startService()
    await listening.when_listening()
    keeper = SocketKeeper(path, listening, lambda: endpoint.listen(factory), clock)
    keeper.startService()
    yield Kept(path, clock, keeper, listening)
    keeper.stopService()
    assert clock.getDelayedCalls() == []
    await listening.stopService()
    assert not path.exists()


@pytest_twisted.ensureDeferred
async def test_a_socket_that_is_removed(kept: Kept) -> None:
    """It is created again, as often as it is removed, and removed at the end."""
    for _ in range(2):
        kept.path.unlink()
        assert not kept.answers()
        kept.clock.advance(INTERVAL)
        assert kept.answers()
        # Until the port that it replaces is closed.
        await deferLater(reactor, 0.01)
    before = kept.path.stat().st_ino
    kept.clock.advance(INTERVAL)
    assert kept.path.stat().st_ino == before
    assert kept.path.stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_something_else_in_its_place(kept: Kept) -> None:
    """What is no socket is left alone, and said to be in the way, until it is gone."""
    kept.path.unlink()
    kept.path.write_text("mine")
    kept.clock.advance(INTERVAL)
    assert "not a socket" in str(kept.keeper.error)
    assert kept.path.read_text() == "mine"
    kept.path.unlink()
    kept.clock.advance(INTERVAL)
    assert kept.keeper.error is None
    assert kept.answers()


@pytest_twisted.ensureDeferred
async def test_a_socket_that_is_gone_when_it_stops(kept: Kept) -> None:
    """Stopping closes the port, though there is no file to remove."""
    kept.path.unlink()
    await kept.listening.stopService()


@pytest_twisted.ensureDeferred
async def test_open_connections_stay(kept: Kept) -> None:
    """Whoever was connected before is not cut off."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(kept.path))
        await deferLater(reactor, 0.01)
        kept.path.unlink()
        kept.clock.advance(INTERVAL)
        client.send(b"hello")
        await deferLater(reactor, 0.01)
        client.settimeout(5)
        assert client.recv(5) == b"hello"
