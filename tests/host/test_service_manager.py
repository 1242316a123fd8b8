"""What a service manager is told, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.host.service_manager import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Listen as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(manager: socket.socket) -> list[bytes]:
    """Return all that came since the last time."""
    states = []
    while True:
        try:
            states.append(manager.recv(4096))
        except BlockingIOError:
            return states


def test_ready_alive_and_stopping(manager: socket.socket) -> None:
    """Each is told in its time, and signs of life come at half the time that is waited for them."""
    clock = Clock()
    environ = {
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    notifier = Notifier(reactor=clock, environ=environ)
    ready: Deferred[str] = Deferred()
    ready.addCallback(notifier.is_ready)
    notifier.startService()
    assert heard(manager) == [b"WATCHDOG=1"]
    ready.callback("passed on")
    assert ready.result == "passed on"
    assert heard(manager) == [b"READY=1"]
    clock.advance(14.9)
    assert heard(manager) == []
    clock.advance(0.1)
    clock.advance(15)
    assert heard(manager) == [b"WATCHDOG=1", b"WATCHDOG=1"]
    notifier.stopService()
    assert heard(manager) == [b"STOPPING=1"]
    clock.advance(60)
    assert heard(manager) == []
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_no_signs_of_life_unless_asked_for(
    manager: socket.socket, watchdog: dict[str, str]
) -> None:
    """Without a time to keep to, or with one that is meant for another process, there are none."""
    clock = Clock()
    environ = {"NOTIFY_SOCKET": manager.getsockname(), **watchdog}
    notifier = Notifier(reactor=clock, environ=environ)
    notifier.startService()
    clock.advance(100)
    notifier.is_ready(None)
    notifier.stopService()
    assert heard(manager) == [b"READY=1", b"STOPPING=1"]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative"])
def test_nobody_listens(address: str | None) -> None:
    """Without a service manager, or with one of a kind that is not known, nothing happens."""
    environ = {"WATCHDOG_USEC": "1000000"}
    if address is not None:
        environ["NOTIFY_SOCKET"] = address
    clock = Clock()
    notifier = Notifier(reactor=clock, environ=environ)
    notifier.startService()
    notifier.is_ready(None)
    assert not clock.getDelayedCalls()
    notifier.stopService()


def test_an_abstract_name(tmp_path: Path) -> None:
    """A name that begins with @ is one in the abstract namespace."""
    name = f"qabel-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.setblocking(False)
        Notifier(reactor=Clock(), environ={"NOTIFY_SOCKET": f"@{name}"}).is_ready(None)
        assert heard(manager) == [b"READY=1"]


def test_a_manager_that_went_away_does_no_harm(tmp_path: Path) -> None:
    """A socket that nobody reads is told in the log; the daemon and its pings go on."""
    clock = Clock()
    environ = {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "2000000"}
    notifier = Notifier(reactor=clock, environ=environ)
    notifier.startService()
    clock.pump([1] * 3)
    assert len(clock.getDelayedCalls()) == 1
    notifier.stopService()
