"""Bodies of requests to S3 and of its answers, piece by piece, and how long it may be silent."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from qabel.blockserver.object_store import StorageFailed

AHEAD = 512 * 1024
"""Bytes that are read before they are wanted."""

_NOTHING = Callable[[], object]


class S3Cut(StorageFailed):
    """The connection was lost before all of an answer had arrived."""


@attrs.define(eq=False)
class SilenceTimer:
    """Tells when nothing has happened for some time.

    Args:
        clock: measures the time.
        seconds: how long.
        on_silence: called then, once.

    """

    _clock: IReactorTime
    _seconds: float
    _on_silence: _NOTHING
    has_expired: bool = attrs.field(default=False, init=False)
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    def restart(self) -> None:
        """Note that something has happened, or is waited for from now on."""
        if self._timer is not None:
            self._timer.reset(self._seconds)
        elif not self.has_expired:
            self._timer = self._clock.callLater(self._seconds, self._expired)

    def stop(self) -> None:
        """Wait for nothing."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    @property
    def error(self) -> StorageFailed:
        """What to say then."""
        return StorageFailed(f"the S3 server was silent for {self._seconds:g} s")

    def _expired(self) -> None:
        self._timer, self.has_expired = None, True
        self._on_silence()


@implementer(IBodyProducer)
@attrs.define(eq=False, repr=False)
class PiecesProducer:
    """Produces the body of a request, no faster than the server takes it.

    Args:
        pieces: the body.
        on_progress: called when the server has taken some of it.

    """

    _pieces: Sequence[bytes]
    _on_progress: _NOTHING
    length: int = attrs.field(init=False)
    _next: int = attrs.field(default=0, init=False)
    _is_paused: bool = attrs.field(default=False, init=False)
    _consumer: IConsumer | None = attrs.field(default=None, init=False)
    _done: "Deferred[None]" = attrs.field(factory=Deferred, init=False)

    @length.default
    def _length(self) -> int:
        return sum(map(len, self._pieces))

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":
        """Write the body; fires when all of it is written."""
        self._consumer = consumer
        self._write()
        return self._done

    def pauseProducing(self) -> None:
        """Write no more for now."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._is_paused = False
        self._on_progress()
        self._write()

    def stopProducing(self) -> None:
        """Write no more: the connection is lost."""
        self._consumer = None

    def _write(self) -> None:
        while self._consumer is not None and not self._is_paused:
            if self._next == len(self._pieces):
                self._consumer = None
                self._done.callback(None)
            else:
                piece, self._next = self._pieces[self._next], self._next + 1
                # This may pause, and even resume.
                self._consumer.write(piece)


class S3Body(Protocol):
    """The body of an answer, read no faster than it is wanted.

    Args:
        clock: measures how long the server is silent.
        silence: seconds that it may be.

    """

    def __init__(self, clock: IReactorTime, silence: float) -> None:
        self._timer = SilenceTimer(clock, silence, self.abort)
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._is_paused = False
        self._is_over = False
        self._is_cut = False
        self._is_aborted = False
        self._more: Deferred[None] | None = None

    def connectionMade(self) -> None:
        """Wait for it from now on."""
        self._timer.restart()

    def dataReceived(self, data: bytes) -> None:
        """Keep it until it is wanted."""
        self._pieces.append(data)
        self._size += len(data)
        self._timer.restart()
        if self._size >= AHEAD and not self._is_paused:
            self._is_paused = True
            self._timer.stop()
            self._transport.pauseProducing()
        self._wake()

    def connectionLost(self, reason: Failure = Failure(ResponseDone())) -> None:  # noqa: B008
        """Note the end."""
        self._timer.stop()
        self._is_over = True
        # Without a length, nobody knows whether it was all: whoever reads it finds out.
        self._is_cut = not reason.check(ResponseDone, PotentialDataLoss)
        self._wake()

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises StorageFailed."""
        while not self._pieces and not self._is_over:
            self._more = Deferred()
            await self._more
        if not self._pieces and self._timer.has_expired:
            raise self._timer.error
        if not self._pieces and self._is_cut:
            raise S3Cut("the connection to the S3 server was lost")
        data = self._take(size)
        if self._is_paused and self._size < AHEAD // 2:
            self._is_paused = False
            self._timer.restart()
            self._transport.resumeProducing()
        return data

    async def read_all(self, limit: int) -> bytes:
        """Return all of it. Raises StorageFailed, also if it is longer than a limit."""
        pieces, count = list[bytes](), 0
        while piece := await self.read(AHEAD):
            pieces.append(piece)
            count += len(piece)
            if count > limit:
                self.abort()
                raise StorageFailed("the S3 server answered with too much")
        return b"".join(pieces)

    def abort(self) -> None:
        """Read no more. The connection is closed, unless all has arrived."""
        self._timer.stop()
        if not (self._is_over or self._is_aborted):
            self._is_aborted = True
            # Closing it politely could take long: over TLS, the server is waited for. What the
            # client gives to protocols hides that the transport can do better.
            inner = getattr(self._transport, "_producer", None)
            getattr(inner, "abortConnection", self._transport.loseConnection)()

    @property
    def _transport(self) -> Any:
        return self.transport

    def _take(self, size: int) -> bytes:
        taken, count = list[bytes](), 0
        while self._pieces and count < size:
            piece = self._pieces.popleft()
            if len(piece) > size - count:
                self._pieces.appendleft(piece[size - count :])
                piece = piece[: size - count]
            taken.append(piece)
            count += len(piece)
        self._size -= count
        return b"".join(taken)

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None:
            more.callback(None)
