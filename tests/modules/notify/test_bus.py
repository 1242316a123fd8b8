"""A connection to a message bus."""

from typing import Any

import pytest
from attrs import define, field
from jeepney import HeaderFields, Message, Parser, new_error, new_method_return, new_signal
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from qabel.deferreds import result_of
from qabel.modules.notify.bus import MOST, PATIENCE, SERVER, BusConnection, BusLost


@define(eq=False)
class Bus:
    """The bus, as the test has it answer."""

    clock: Clock = field(factory=Clock)
    closed: list[int] = field(factory=list)
    lost: list[str] = field(factory=list)
    transport: Any = field(factory=StringTransport)
    connection: BusConnection = field(init=False)
    serial: int = 0

    def __attrs_post_init__(self) -> None:
        self.connection = BusConnection(self.clock, self.closed.append, self._lost)
        self.connection.makeConnection(self.transport)

    def _lost(self) -> None:
        self.lost.append("lost")

    def said(self) -> bytes:
        """Return what was sent since the last time."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def asked(self) -> list[Message]:
        """Return the calls since the last time."""
        return list(Parser().feed(self.said().removeprefix(b"BEGIN\r\n")))

    def send(self, message: Message) -> None:
        """Send something."""
        self.serial += 1
        self.connection.dataReceived(message.serialise(self.serial))

    def begun(self) -> "Bus":
        """Let it be ready."""
        assert self.said().startswith(b"\0AUTH EXTERNAL ")
        self.connection.dataReceived(b"OK 1234\r\n")
        for _ in ("Hello", "AddMatch"):
            [call] = self.asked()
            self.send(new_method_return(call))
        result_of(self.connection.ready)
        return self


def test_calls_and_answers() -> None:
    """Each call gets its own answer, also an error."""
    bus = Bus().begun()
    first, second = bus.connection.call("GetCapabilities"), bus.connection.call("X", "u", 5)
    one, two = bus.asked()
    assert two.header.fields[HeaderFields.member] == "X"
    bus.send(new_error(two, "org.example.No", "s", ("a secret",)))
    bus.send(new_method_return(one, "as", (["body"],)))
    assert result_of(first) == (["body"],)
    with pytest.raises(BusLost, match=r"org\.example\.No$"):
        result_of(second)
    assert bus.clock.getDelayedCalls() == []


def test_what_was_closed() -> None:
    """It is told which notices are not shown any more."""
    bus = Bus().begun()
    bus.send(new_signal(SERVER, "NotificationClosed", "uu", (7, 2)))
    bus.send(new_signal(SERVER, "ActionInvoked", "us", (8, "x")))
    assert bus.closed == [7]


def test_a_bus_that_does_not_answer() -> None:
    """A call fails after a time; what comes later is passed over."""
    bus = Bus().begun()
    answer = bus.connection.call("X")
    [call] = bus.asked()
    bus.clock.advance(PATIENCE)
    with pytest.raises(BusLost):
        result_of(answer)
    bus.send(new_method_return(call))


def test_the_end() -> None:
    """Whatever waits fails when the connection ends."""
    bus = Bus().begun()
    answer = bus.connection.call("X")
    bus.connection.connectionLost()
    with pytest.raises(BusLost):
        result_of(answer)
    early = Bus()
    early.connection.connectionLost()
    with pytest.raises(BusLost):
        result_of(early.connection.ready)
    assert (bus.lost, early.lost) == (["lost"], ["lost"])


@pytest.mark.parametrize("rubbish", [b"REJECTED\r\n", b"x" * 9000])
def test_a_bus_that_refuses(rubbish: bytes) -> None:
    """The connection is ended."""
    bus = Bus()
    bus.connection.dataReceived(rubbish)
    assert bus.transport.disconnecting or bus.transport.disconnected or bus.transport.aborting


def test_too_much() -> None:
    """A message without an end does not use up the memory."""
    bus = Bus().begun()
    head = b"l\4\1\1" + (64 * MOST).to_bytes(4, "little") + 8 * b"\0"
    bus.connection.dataReceived(head)
    bus.connection.dataReceived(bytes(MOST + 1))
    assert bus.transport.disconnecting or bus.transport.disconnected or bus.transport.aborting
