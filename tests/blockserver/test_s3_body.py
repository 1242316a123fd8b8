"""Bodies: no faster than they are wanted, whole or not at all, and silence is noticed."""

from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss

from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.s3_body import AHEAD, PiecesProducer, S3Body, SilenceTimer

SILENCE = 60.0


class NotedTransport(StringTransport):
    """A connection that knows whether it was closed at once."""

    was_aborted = False

    def abortConnection(self) -> None:
        """Note it."""
        self.was_aborted = True
        super().abortConnection()

    @property
    def _producer(self) -> "NotedTransport":
        return self


def body_on(clock: Clock) -> tuple[S3Body, Any]:
    """Return a body that arrives, and its connection."""
    body, transport = S3Body(clock, SILENCE), NotedTransport()
    body.makeConnection(transport)
    return body, transport


def reading(body: S3Body, size: int) -> "Deferred[bytes]":
    """Begin to read."""
    return Deferred.fromCoroutine(body.read(size))


def end(body: S3Body, error: Exception) -> None:
    """End it."""
    body.connectionLost(Failure(error))


@pytest.mark.parametrize("error", [ResponseDone(), PotentialDataLoss()])
@pytest_twisted.ensureDeferred
async def test_reading(error: Exception) -> None:
    """In pieces of any size, before and after the end."""
    clock = Clock()
    body, _ = body_on(clock)
    first = reading(body, 4)
    assert not first.called
    body.dataReceived(b"abcdef")
    assert await first == b"abcd"
    body.dataReceived(b"ghi")
    assert await body.read(100) == b"efghi"
    last = reading(body, 1)
    body.dataReceived(b"j")
    end(body, error)
    assert (await last, await body.read(1), await body.read(1)) == (b"j", b"", b"")
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_no_more_arrives_than_is_wanted() -> None:
    """It is paused while much of it is unread, however long that takes, and goes on then."""
    clock = Clock()
    body, transport = body_on(clock)
    body.dataReceived(bytes(AHEAD - 1))
    assert transport.producerState == "producing"
    body.dataReceived(b"x")
    assert transport.producerState == "paused"
    clock.advance(10 * SILENCE)
    assert len(await body.read(AHEAD // 4)) == AHEAD // 4
    assert transport.producerState == "paused"
    assert len(await body.read(AHEAD // 2)) == AHEAD // 2
    assert transport.producerState == "producing"
    assert not transport.was_aborted
    clock.advance(SILENCE)
    assert transport.was_aborted


@pytest_twisted.ensureDeferred
async def test_silence() -> None:
    """Each byte makes it wait again; then the connection is closed, and nothing is whole."""
    clock = Clock()
    body, transport = body_on(clock)
    for _ in range(3):
        clock.advance(SILENCE - 1)
        body.dataReceived(b"x")
    assert await body.read(10) == b"xxx"
    waiting = reading(body, 10)
    clock.advance(SILENCE)
    assert transport.was_aborted
    end(body, ResponseFailed([Failure(ConnectionLost())]))
    with pytest.raises(StorageFailed, match="was silent for 60 s"):
        await waiting


@pytest_twisted.ensureDeferred
async def test_a_lost_connection() -> None:
    """What has arrived is read; that it was not all is said after it."""
    body, _ = body_on(Clock())
    body.dataReceived(b"abc")
    end(body, ResponseFailed([Failure(ConnectionLost())]))
    assert await body.read(10) == b"abc"
    for _ in range(2):
        with pytest.raises(StorageFailed, match="connection to the S3 server was lost"):
            await body.read(10)


@pytest_twisted.ensureDeferred
async def test_reading_all() -> None:
    """Up to a limit."""
    for size, limit in ((0, 0), (10, 10)):
        body, _ = body_on(Clock())
        body.dataReceived(bytes(size))
        end(body, ResponseDone())
        assert await body.read_all(limit) == bytes(size)
    body, transport = body_on(Clock())
    body.dataReceived(bytes(11))
    with pytest.raises(StorageFailed, match="too much"):
        await body.read_all(10)
    assert transport.was_aborted


def test_reading_no_more() -> None:
    """The connection is closed, unless all has arrived: then it can be used again."""
    for is_over in (False, True):
        clock = Clock()
        body, transport = body_on(clock)
        if is_over:
            end(body, ResponseDone())
        body.abort()
        assert transport.was_aborted is not is_over
        assert clock.getDelayedCalls() == []


@attrs.define(eq=False)
class FullConsumer:
    """Takes one piece at a time."""

    producer: Any = None
    taken: list[bytes] = attrs.field(factory=list)

    def write(self, data: bytes) -> None:
        """Take a piece, and no more for now."""
        self.taken.append(data)
        self.producer.pauseProducing()


def test_a_body_is_sent_as_it_is_taken() -> None:
    """Piece by piece, and each that was taken is progress."""
    progress: list[int] = []
    producer = PiecesProducer([b"a", b"bc", b"def"], lambda: progress.append(1))
    consumer = FullConsumer(producer)
    done = producer.startProducing(consumer)  # type: ignore[arg-type]
    assert (producer.length, consumer.taken) == (6, [b"a"])
    for count in (2, 3):
        producer.resumeProducing()
        assert (len(consumer.taken), len(progress), done.called) == (count, count - 1, False)
    producer.resumeProducing()
    assert done.called
    producer.resumeProducing()
    assert b"".join(consumer.taken) == b"abcdef"


def test_a_body_that_is_not_wanted_any_more() -> None:
    """Nothing more is written."""
    producer = PiecesProducer([b"a", b"b"], lambda: None)
    consumer = FullConsumer(producer)
    done = producer.startProducing(consumer)  # type: ignore[arg-type]
    producer.stopProducing()
    producer.resumeProducing()
    assert (consumer.taken, done.called) == ([b"a"], False)


def test_a_timer_expires_once() -> None:
    """What comes later is too late."""
    clock, told = Clock(), list[int]()
    timer = SilenceTimer(clock, 5, lambda: told.append(1))
    timer.restart()
    clock.advance(4)
    timer.restart()
    clock.advance(4)
    assert not timer.has_expired
    clock.advance(1)
    timer.restart()
    timer.stop()
    clock.advance(10)
    assert (timer.has_expired, told, clock.getDelayedCalls()) == (True, [1], [])
