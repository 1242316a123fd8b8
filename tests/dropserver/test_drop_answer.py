"""The response to a GET in memory: its length, its pieces, and what happens on the way."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from qabel.drop.multipart import MultipartParser, content_type
from qabel.dropserver.drop_answer import (
    CHUNK,
    WIDE_CHUNK,
    DropAnswer,
    WideAnswers,
    content_length,
)
from qabel.dropserver.message_values import Row, Selection
from qabel.dropserver.stamps import SECOND

BOUNDARY = "b0b0-b0b0"
DROP_ID = "A" * 43
ROWS = [(number * SECOND, b"message %d" % number) for number in range(1, 6)]


@attrs.define(eq=False, slots=False)
class FakeRequest:
    """A request whose connection is in memory."""

    written: bytes = b""
    is_connected: bool = True
    finished: bool = False
    producer: Any = None
    lost: "Deferred[None]" = attrs.field(factory=Deferred)

    def abort(self) -> None:
        """Lose the connection."""
        self.is_connected = False

    def notifyFinish(self) -> "Deferred[None]":
        """Return a Deferred that fails when the connection is lost."""
        return self.lost

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Record the producer."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Collect bytes."""
        self.written += data

    def finish(self) -> None:
        """Record the end of the response."""
        self.finished = True


@attrs.define(eq=False)
class FakeStore:
    """A store with the rows that are not read yet."""

    rows: list[Row] = attrs.field(factory=list)
    calls: list[tuple[str, int, int, int]] = attrs.field(factory=list)

    def read(
        self, drop_id: str, after: int, newest: int, limit: int, make: Callable[[list[Row]], Any]
    ) -> "Deferred[Any]":
        """Read two rows at a time."""
        self.calls.append((drop_id, after, newest, limit))
        later = [row for row in self.rows if after < row[0] <= newest]
        return succeed(make(later[:2]))


def selection(rows: list[Row]) -> Selection:
    """Return the selection that consists of these rows."""
    return Selection(0, rows[-1][0], (len(rows), sum(len(body) for _, body in rows)))


def start(request: FakeRequest, store: FakeStore, first: int = 2) -> "Deferred[None]":
    """Start sending ROWS, of which the first are read already."""
    answer = DropAnswer(request, store, DROP_ID, selection(ROWS), BOUNDARY, Clock())  # type: ignore[arg-type]
    return Deferred.fromCoroutine(answer.send(ROWS[:first]))


def messages(data: bytes) -> list[bytes]:
    """Return the messages of a complete response."""
    parser = MultipartParser(content_type(BOUNDARY))
    parts = parser.feed(data)
    parser.finish()
    return [part.body for part in parts]


@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_whole_response(first: int) -> None:
    """All messages are sent, read in pieces, with the length that was announced."""
    request, store = FakeRequest(), FakeStore(ROWS)
    sending = start(request, store, first)
    assert sending.called
    assert messages(request.written) == [body for _, body in ROWS]
    assert len(request.written) == content_length(BOUNDARY, selection(ROWS))
    assert request.finished
    assert request.producer is None
    assert all(call[0] == DROP_ID and call[2] == ROWS[-1][0] for call in store.calls)
    assert bool(store.calls) is (first < 5)


def test_expired_messages_are_replaced_by_padding() -> None:
    """The length stays as announced when messages expire before they are read."""
    request = FakeRequest()
    assert start(request, FakeStore(ROWS[4:])).called
    assert messages(request.written) == [ROWS[0][1], ROWS[1][1], ROWS[4][1]]
    assert len(request.written) == content_length(BOUNDARY, selection(ROWS))
    assert request.finished


def test_a_slow_client() -> None:
    """While the connection's buffer is full, nothing is written, and only the next part is read."""
    request, store = FakeRequest(), FakeStore(ROWS)

    def write_once(data: bytes) -> None:
        request.written += data
        request.producer.pauseProducing()

    request.write = write_once  # type: ignore[method-assign]
    sending = start(request, store)
    assert len(store.calls) == 1
    del request.write
    request.producer.resumeProducing()
    assert sending.called
    assert len(store.calls) == 2
    assert messages(request.written) == [body for _, body in ROWS]


def test_a_lost_connection() -> None:
    """When the connection is lost, nothing more is written or finished, and nothing more read."""
    request, store = FakeRequest(), FakeStore(ROWS)

    def write_and_lose(data: bytes) -> None:
        request.written += data
        request.is_connected = False
        request.lost.errback(ConnectionError())

    request.write = write_and_lose  # type: ignore[method-assign]
    assert start(request, store).called
    assert not request.is_connected
    assert len(store.calls) == 1
    assert not request.finished


def test_a_few_read_many_at_once() -> None:
    """What an answer may read at once, it gives back in the end, also after a failure."""
    wide = WideAnswers(1)
    stores = [FakeStore(ROWS), FakeStore(ROWS)]
    requests = [FakeRequest(), FakeRequest()]

    def pause(_: bytes) -> None:
        requests[0].producer.pauseProducing()

    requests[0].write = pause  # type: ignore[method-assign]
    sendings = []
    for request, store in zip(requests, stores, strict=True):
        answer = DropAnswer(request, store, DROP_ID, selection(ROWS), BOUNDARY, Clock(), wide)  # type: ignore[arg-type]
        sendings.append(Deferred.fromCoroutine(answer.send(ROWS[:2])))
    assert sendings[1].called
    assert [store.calls[0][3] for store in stores] == [WIDE_CHUNK, CHUNK]
    assert wide.free == 0
    requests[0].is_connected = False
    requests[0].producer.resumeProducing()
    assert sendings[0].called
    assert wide.free == 1


def test_a_short_answer_takes_no_turn() -> None:
    """What is read already needs nothing more."""
    wide, request = WideAnswers(0), FakeRequest()
    rows = ROWS[:2]
    answer = DropAnswer(request, FakeStore(), DROP_ID, selection(rows), BOUNDARY, Clock(), wide)  # type: ignore[arg-type]
    assert Deferred.fromCoroutine(answer.send(rows)).called
    assert messages(request.written) == [body for _, body in rows]
    assert (wide.take(), wide.free) == (False, 0)
