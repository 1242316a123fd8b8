"""What is found at the URL of a drop server."""

from collections.abc import Coroutine
from typing import Any

import pytest
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core.server_probe import PUSH_TIME, Probe, ServerProbe
from qabel.deferreds import result_of
from qabel.drop.transport import MESSAGE_SIZE
from qabel.drop.url import DropURL
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    InvalidResponse,
    NotAdmitted,
    NotAllowed,
    ServerRefused,
)
from qabel.testing.drop_servers import MemoryDropServers

DROP = DropURL.on_server("https://drop.example")


@define
class Listener:
    """A push listener that never connects."""

    connected: bool = False
    is_offered: bool = True
    stopped: bool = False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Note that it was stopped."""
        self.stopped = True


@define(eq=False)
class Net(MemoryDropServers):
    """Drop servers that fail as they are told."""

    at_reading: DropServerError | None = None
    at_posting: DropServerError | None = None
    keeps: bool = True
    listener: Listener | None = None

    async def fetch(self, *args: Any) -> Any:
        """Fetch."""
        if self.at_reading is not None:
            raise self.at_reading
        return await super().fetch(*args)

    async def post(self, url: DropURL, message: bytes) -> None:
        """Post."""
        if self.at_posting is not None:
            raise self.at_posting
        await super().post(url, message)
        if not self.keeps:
            self.messages.clear()

    def listen(self, *args: Any) -> Any:
        """Listen."""
        return self.listener or super().listen(*args)


def run(net: Net, clock: Clock | None = None, seconds: float = 0) -> Probe:
    """Return what a probe finds, after some time."""
    clock = clock or Clock()
    work: Coroutine[Any, Any, Probe] = ServerProbe(net, clock, 10).run(DROP)
    done = Deferred.fromCoroutine(work)
    for _ in range(int(seconds / 0.05)):
        clock.advance(0.05)
    return result_of(done)


def states(probe: Probe) -> dict[str, bool]:
    """Return which checks were good."""
    return {each.name: each.ok for each in probe.checks}


def test_a_drop_server() -> None:
    """One message of the usual length is posted to a new drop, and nothing is left open."""
    net = Net()
    probe = run(net)
    assert (probe.ok, probe.found) == (True, "drop-server")
    assert states(probe) == {"read": True, "write": True, "cursor": True, "push": True}
    [(url, message)] = net.posted
    assert (url, len(message), message[0]) == (str(DROP), MESSAGE_SIZE, 0)
    assert not any(net.listeners.values())


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (ConnectFailed("x"), "no-server"),
        (ServerRefused("x", status=503), "no-server"),
        (ServerRefused("x", status=404), "other-server"),
        (InvalidResponse("x"), "other-server"),
        (NotAllowed("x"), "unknown"),
        (NotAdmitted("x", status=401), "closed-group"),
    ],
)
def test_what_else_there_is(error: DropServerError, found: str) -> None:
    """What is no drop server is told apart from one that does not respond; nothing is posted."""
    net = Net(at_reading=error)
    probe = run(net)
    assert (probe.ok, probe.found, probe.checks, net.posted) == (False, found, [], [])


def test_a_server_that_takes_nothing() -> None:
    """A drop server that refuses a message is one, and does not work."""
    net = Net(at_posting=ServerRefused("Full.", status=507))
    probe = run(net)
    assert (probe.ok, probe.found, probe.detail) == (False, "drop-server", "Full.")
    assert states(probe) == {"read": True, "write": False}


def test_a_token_that_is_not_wanted() -> None:
    """A server for everybody may be read with a token, and takes no messages with it."""
    probe = run(Net(at_posting=NotAdmitted("Remove it.", status=400)))
    assert (probe.ok, probe.found, probe.detail) == (False, "drop-server", "Remove it.")


def test_something_that_says_yes() -> None:
    """What accepts everything and returns nothing is no drop server."""
    probe = run(Net(keeps=False))
    assert (probe.ok, probe.found) == (False, "other-server")
    assert "cannot be read" in probe.detail


def test_without_cursor() -> None:
    """A server without cursors works."""
    net = Net()
    net.has_cursors = False
    probe = run(net)
    assert probe.ok
    assert states(probe)["cursor"] is False


@pytest.mark.parametrize("offered", [True, False])
def test_without_push(offered: bool) -> None:
    """A server without push works; the listener is stopped."""
    listener = Listener(is_offered=offered)
    probe = run(Net(listener=listener), seconds=PUSH_TIME + 0.1 if offered else 0)
    assert probe.ok
    assert states(probe)["push"] is False
    assert listener.stopped
    assert ("Not offered" in probe.checks[-1].detail) is not offered
