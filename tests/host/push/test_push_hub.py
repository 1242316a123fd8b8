"""WebSocket push: what subscribers get, and that none can disturb another."""

from typing import Any

import pytest
from twisted.internet.task import Clock, LoopingCall
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Event, Ping, Pong, TextMessage

from qabel.host.push.push_hub import (
    BACKLOG_LIMIT,
    FRAMES_LIMIT,
    INBOUND_LIMIT,
    PING_INTERVAL,
    PING_TURNS,
    PushHub,
    PushSubscriber,
)


class Line:
    """A connection in memory."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended: list[str] = []
        self.broken = False

    def write(self, data: bytes) -> None:
        """Collect bytes, or fail."""
        if self.broken:
            raise OSError("broken")
        self.written.append(data)

    def loseConnection(self) -> None:
        """Record a regular end."""
        self.ended.append("lose")

    def abort(self) -> None:
        """Record an abort."""
        self.ended.append("abort")


def subscribe(hub: PushHub, topic: str = "A") -> tuple[PushSubscriber, Line]:
    """Return a subscriber of a hub and its connection."""
    line = Line()
    made = PushSubscriber(hub, topic)
    made.makeConnection(line)
    return made, line


def ping_all(hub: PushHub) -> None:
    """Let an interval between pings pass."""
    for _ in range(PING_TURNS):
        hub.tick()


def test_a_slow_subscriber_is_cut_off() -> None:
    """A subscriber that does not read is disconnected at a limit; others get everything."""
    hub = PushHub()
    slow, slow_line = subscribe(hub)
    _, quick_line = subscribe(hub)
    slow.pauseProducing()
    count = BACKLOG_LIMIT // 2000 + 2
    for _ in range(count):
        hub.publish("A", BytesMessage(b"x" * 2000))
    assert slow_line.ended == ["abort"]
    assert sum(map(len, slow_line.written)) <= BACKLOG_LIMIT
    assert len(quick_line.written) == count


def test_a_subscriber_that_catches_up_is_kept() -> None:
    """What was read counts no more."""
    hub = PushHub()
    made, line = subscribe(hub)
    for _ in range(10):
        made.pauseProducing()
        for _ in range(BACKLOG_LIMIT // 4000):
            hub.publish("A", BytesMessage(b"x" * 2000))
        made.resumeProducing()
    assert line.ended == []


def test_a_subscriber_that_fails_hurts_nobody(logged_failures: Any) -> None:
    """A subscriber whose connection fails is removed, and the others get the message."""
    hub = PushHub()
    lines = [subscribe(hub)[1] for _ in range(3)]
    lines[1].broken = True
    hub.publish("A", BytesMessage(b"1"))
    hub.publish("A", TextMessage("2"))
    assert [len(line.written) for line in lines] == [2, 0, 2]
    assert lines[1].ended == ["abort"]
    assert len(logged_failures.flush()) == 1


def test_the_dead_are_cut_off() -> None:
    """A subscriber that sends nothing between two pings is disconnected; others are not."""
    hub = PushHub()
    _, dead_line = subscribe(hub)
    alive, alive_line = subscribe(hub)
    ping_all(hub)
    alive.dataReceived(Connection(ConnectionType.CLIENT).send(Pong()))
    ping_all(hub)
    assert (dead_line.ended, alive_line.ended) == (["abort"], [])
    assert alive_line.written == [b"\x89\x00", b"\x89\x00"]


def test_pings_are_spread() -> None:
    """Of many subscribers of one drop and of several, few are pinged at one moment."""
    hub, clock = PushHub(max_subscribers=1000, max_per_topic=1000), Clock()
    lines = [subscribe(hub, "A" if number % 2 else str(number))[1] for number in range(600)]
    loop = LoopingCall(hub.tick)
    loop.clock = clock
    loop.start(PING_INTERVAL / PING_TURNS, now=False)
    pinged = 0
    for _ in range(PING_TURNS):
        clock.advance(PING_INTERVAL / PING_TURNS)
        before, pinged = pinged, sum(len(line.written) for line in lines)
        assert pinged - before == 600 / PING_TURNS
    assert {len(line.written) for line in lines} == {1}
    assert {each for line in lines for each in line.ended} == set()
    clock.pump([PING_INTERVAL / PING_TURNS] * PING_TURNS)
    assert {each for line in lines for each in line.ended} == {"abort"}


def test_a_talkative_subscriber_is_cut_off() -> None:
    """A subscriber that sends endlessly is disconnected, and what it sends is not buffered."""
    made, line = subscribe(PushHub())
    made.dataReceived(b"\x82\xff" + (2**40).to_bytes(8) + b"\0" * 4)
    for _ in range(INBOUND_LIMIT // 65536 + 1):
        made.dataReceived(b"x" * 65536)
    assert line.ended == ["abort"]


@pytest.mark.parametrize("event", [BytesMessage(b""), Ping(), Pong()], ids=repr)
def test_a_subscriber_that_sends_many_frames_is_cut_off(event: Event) -> None:
    """Also in the middle of what arrives at once: tiny frames take time that others need."""
    made, line = subscribe(PushHub())
    frame = Connection(ConnectionType.CLIENT).send(event)
    made.dataReceived(frame * 10_000)
    assert line.ended == ["abort"]
    assert len(line.written) <= FRAMES_LIMIT


@pytest.mark.parametrize(("frames", "excess"), [(FRAMES_LIMIT - 2, 0), (10 * FRAMES_LIMIT, 1)])
def test_who_is_cut_off_is_told_of_once(frames: int, excess: int) -> None:
    """Whoever answers for the source hears of it; of one that goes by itself it does not."""
    told: list[None] = []
    made = PushSubscriber(PushHub(), "A", lambda: told.append(None))
    made.makeConnection(Line())
    for _ in range(2):
        made.dataReceived(Connection(ConnectionType.CLIENT).send(Ping()) * (frames // 2))
    made.dataReceived(b"nothing that a frame begins with")
    assert len(told) == excess


def test_frames_are_counted_between_pings() -> None:
    """Who sends a ping now and then may do so for ever."""
    hub = PushHub()
    made, line = subscribe(hub)
    frame = Connection(ConnectionType.CLIENT).send(Ping())
    for _ in range(5):
        made.dataReceived(frame * FRAMES_LIMIT)
        ping_all(hub)
    assert line.ended == []
    made.dataReceived(frame * (FRAMES_LIMIT + 1))
    assert line.ended == ["abort"]


def test_subscribers_are_bounded() -> None:
    """The number of subscribers is limited per drop and in all; leaving frees capacity."""
    hub = PushHub(max_subscribers=3, max_per_topic=2)
    first, _ = subscribe(hub, "A")
    subscribe(hub, "A")
    assert not hub.has_capacity("A")
    subscribe(hub, "B")
    assert not hub.has_capacity("C")
    first.connectionLost()
    first.connectionLost()
    assert hub.has_capacity("C")
    assert hub.has_capacity("A")
