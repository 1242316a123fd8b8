"""Where a daemon listens: who can reach an endpoint, Unix sockets, and what keeps one from it."""

import socket
import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from zope.interface import implementer

from qabel.host.listening import (
    Listening,
    ListenOn,
    loopback_endpoints,
    parse_endpoint,
    show_address,
)
from qabel.host.start_errors import StartError

REACHABLE = [
    "tcp:9697",
    "tcp:9697:interface=",
    "tcp:9697:interface=0.0.0.0",
    "tcp:9697:192.168.1.2",
    "tcp:port=9697",
    "tcp:9697:interface=example.org",
    "tcp:9697:interface=127.0.0.1.example.org",
    "tcp6:9697",
    "tcp6:9697:interface=\\:\\:",
    "tcp6:9697:50:\\:\\:",
    "ssl:443:privateKey=key.pem",
    "tls:443:cert.pem",
    "tls:443:interface=10.0.0.1",
    "systemd:domain=INET:index=0",
    "haproxy:tcp:9697:interface=127.0.0.1",
    "onion:80",
]

PRIVATE = [
    "tcp:9697:interface=127.0.0.1",
    "TCP:9697:interface=127.0.0.1",
    "tcp:9697:interface=127.1.2.3",
    "tcp:9697:127.0.0.1",
    "tcp:port=9697:interface=localhost",
    "tcp6:9697:interface=\\:\\:1",
    "ssl:443:privateKey=key.pem:interface=127.0.0.1",
    "unix:/run/x.sock",
    "unix:address=/run/x.sock",
    "systemd:domain=UNIX:name=web",
]


@pytest.mark.parametrize("description", REACHABLE)
def test_what_others_can_reach(description: str) -> None:
    """All interfaces, other addresses, names and kinds that are not known can be reached."""
    assert parse_endpoint(description).reachable


@pytest.mark.parametrize("description", PRIVATE)
def test_what_others_cannot_reach(description: str) -> None:
    """Loopback addresses and Unix sockets cannot be reached."""
    assert not parse_endpoint(description).reachable


@pytest.mark.parametrize("description", ["", "9697", "tcp", ":", "unix:/x:mode=rw"])
def test_what_is_no_endpoint(description: str) -> None:
    """A text that cannot be a description is told."""
    with pytest.raises(StartError):
        parse_endpoint(description)


@given(st.text(st.sampled_from("tcp6unix:=\\/.1 "), max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is an endpoint or a StartError."""
    try:
        parse_endpoint(text)
    except StartError:
        return


@given(st.from_regex(r"[0-9a-z:.\\]{1,20}", fullmatch=True))
def test_an_interface_is_read_as_twisted_does(interface: str) -> None:
    """Whatever is called private, Twisted would listen on a loopback address for."""
    place = parse_endpoint(f"tcp:0:interface={interface}")
    if not place.reachable:
        endpoint = serverFromString(MemoryReactorClock(), place.description)
        endpoint.listen(Factory())
        assert endpoint._interface == "localhost" or endpoint._interface.startswith("127.")


def test_a_unix_socket_is_private_unless_it_says_otherwise() -> None:
    """The mode is 0600, or the one that the description has."""
    assert parse_endpoint("unix:/x").mode == 0o600
    assert parse_endpoint("unix:/x:mode=660").mode == 0o660


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
    """One service listens on several endpoints, tells where, and is gone when stopped."""
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
    with pytest.raises(StartError, match="no socket"):
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


def test_loopback_addresses_are_private() -> None:
    """What is offered for loopback use cannot be reached, and each part can be parsed."""
    places = [parse_endpoint(text) for text in loopback_endpoints(9696)]
    assert isinstance(places[0], ListenOn)
    assert not any(place.reachable for place in places)
