"""The response to a GET in memory: its length, its pieces, and what happens on the way."""

from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from qabel.drop.multipart import MultipartParser, content_type
from qabel.dropserver.drop_answer import DropAnswer, content_length
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

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> "Deferred[list[Row]]":
        """Return two rows at a time."""
        self.calls.append((drop_id, after, newest, limit))
        later = [row for row in self.rows if after < row[0] <= newest]
        return succeed(later[:2])


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
    """While the connection's buffer is full, nothing more is read or written."""
    request, store = FakeRequest(), FakeStore(ROWS)

    def write_once(data: bytes) -> None:
        request.written += data
        request.producer.pauseProducing()

    request.write = write_once  # type: ignore[method-assign]
    sending = start(request, store)
    assert store.calls == []
    del request.write
    request.producer.resumeProducing()
    assert sending.called
    assert len(store.calls) == 2
    assert messages(request.written) == [body for _, body in ROWS]


def test_a_lost_connection() -> None:
    """When the connection is lost, nothing more is read, written or finished."""
    request, store = FakeRequest(), FakeStore(ROWS)

    def write_and_lose(data: bytes) -> None:
        request.written += data
        request.is_connected = False
        request.lost.errback(ConnectionError())

    request.write = write_and_lose  # type: ignore[method-assign]
    assert start(request, store).called
    assert not request.is_connected
    assert store.calls == []
    assert not request.finished
