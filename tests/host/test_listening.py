"""Listening: on all endpoints, on private Unix sockets, and what happens when it fails."""

import socket
import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from qabel.host.endpoints import parse_endpoint, show_address
from qabel.host.listening import Listening
from qabel.host.start_errors import StartError


class Hello(Protocol):
    """Greets whoever connects."""

    def connectionMade(self) -> None:
        """Say hello."""
        self.transport.write(b"hello")
        self.transport.loseConnection()


HELLO = Factory.forProtocol(Hello)


def listening(*descriptions: str) -> Listening:
    """Make a service that greets."""
    return Listening(reactor, [parse_endpoint(text) for text in descriptions], HELLO, name="test")


@pytest_twisted.ensureDeferred
async def test_it_listens_everywhere_it_is_told_to(tmp_path: Path) -> None:
    """One service listens on several endpoints, reports where, and is gone when stopped."""
    service = listening(
        "tcp:0:interface=127.0.0.1", "tcp:0:interface=127.0.0.1", f"unix:{tmp_path}/s"
    )
    ready = service.when_listening()
    service.privilegedStartService()
    service.startService()
    assert (await ready) == (await service.when_listening()) == service.addresses
    ports = [address.port for address in service.addresses[:2]]
    assert ports[0] != ports[1]
    assert [show_address(address) for address in service.addresses] == [
        f"127.0.0.1:{ports[0]}",
        f"127.0.0.1:{ports[1]}",
        f"{tmp_path}/s",
    ]
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    await service.stopService()
    assert not (tmp_path / "s").exists()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest_twisted.ensureDeferred
async def test_a_busy_port_is_told_at_once() -> None:
    """Starting raises a StartError that says what and why, and opens nothing."""
    first = listening("tcp:0:interface=127.0.0.1")
    first.startService()
    port = first.addresses[0].port
    second = listening("tcp:0:interface=127.0.0.1", f"tcp:{port}:interface=127.0.0.1")
    failed = second.when_listening()
    with pytest.raises(
        StartError, match=rf"cannot listen on tcp:{port}:.*: Address already in use"
    ):
        second.startService()
    with pytest.raises(StartError):
        await failed
    assert second.addresses == []
    await first.stopService()


@pytest.mark.parametrize(
    "description",
    ["tcp:x:interface=127.0.0.1", "ssl:443:interface=127.0.0.1", "frob:1", "unix:/" + "x" * 200],
)
def test_an_endpoint_that_cannot_be_is_told(description: str) -> None:
    """What Twisted cannot make an endpoint of, or cannot listen on, is a StartError of one line."""
    with pytest.raises(StartError, match="listen on") as caught:
        listening(description).startService()
    assert "\n" not in str(caught.value)


@pytest_twisted.ensureDeferred
async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """The socket of a process that died is taken over; that of a living one is not."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first = listening(f"unix:{path}")
    first.startService()
    with pytest.raises(StartError, match="another process"):
        listening(f"unix:{path}").startService()
    assert stat.S_ISSOCK(path.stat().st_mode)
    await first.stopService()


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """A file that is no socket stays."""
    path = tmp_path / "precious"
    path.write_text("x")
    with pytest.raises(StartError, match="not a socket"):
        listening(f"unix:{path}").startService()
    assert path.read_text() == "x"


@implementer(IStreamServerEndpoint)
class LateEndpoint:
    """An endpoint that takes its time."""

    def __init__(self) -> None:
        self.outcome: Deferred[Any] = Deferred()

    def listen(self, protocolFactory: Factory) -> "Deferred[Any]":  # noqa: N803
        """Listen some day."""
        return self.outcome


class StoppableReactor:
    """A reactor as far as it can be stopped."""

    running = True

    def stop(self) -> None:
        """Stop."""
        self.running = False


@pytest_twisted.ensureDeferred
async def test_a_late_failure_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logged_failures: Any
) -> None:
    """An endpoint that fails with the reactor running stops it, with a line."""
    exits: list[object] = []
    monkeypatch.setattr("atexit.register", exits.append)
    late, stoppable = LateEndpoint(), StoppableReactor()
    service = Listening(stoppable, [late], HELLO, name="test")
    service.startService()
    ready = service.when_listening()
    late.outcome.errback(OSError(13, "Permission denied"))
    with pytest.raises(StartError):
        await ready
    assert not stoppable.running
    assert len(exits) == 1
    logged_failures.flush()


@pytest_twisted.ensureDeferred
async def test_stopping_gives_up_a_late_endpoint() -> None:
    """A service that is stopped before it listens never does, and nothing fails."""
    service = Listening(StoppableReactor(), [LateEndpoint()], HELLO, name="test")
    service.startService()
    await service.stopService()
