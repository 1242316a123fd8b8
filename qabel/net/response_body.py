"""Reads the body of a response piece by piece, with limits and back-pressure."""

from collections.abc import Awaitable, Callable

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from qabel.drop.multipart import Part
from qabel.net.errors import (
    DropServerError,
    IncompleteResponse,
    InvalidResponse,
    ResponseTooLarge,
    TimedOut,
)
from qabel.net.exchange_limits import SETTLE_BYTES, Watchdog

WAITING_BYTES = 1 << 18
"""Bytes of parts that may wait for their consumer; beyond that the server has to wait too."""

SMALL_PIECES = 10_000
"""Pieces, and parts, that a body may have however small they are."""

MEAN_BYTES = 64
"""Bytes that further pieces, and parts, must have on average: each of them costs time."""

_PART_BYTES = 256  # memory that a part takes besides its body, roughly

OnParts = Callable[[list[Part]], Awaitable[None] | None]
"""Consumes parts; if it returns an awaitable, it gets the next ones when that is done."""


@attrs.define(eq=False, slots=False, repr=False)
class BodyReader(Protocol):
    """Passes the body of a response to ``feed``, which returns True once nothing more matters.

    From then on the server has a moment to end the response, so that the connection can be used
    again; whatever it still sends is ignored. ``done`` fires at the end, or fails with
    DropServerError. Cancelling it closes the connection.

    Args:
        peer: what errors call the other side.
        watchdog: enforces the time limits.
        size: bytes that the body may have.
        feed: takes the next bytes; the default ignores the body.
        arrived: called with the number of bytes that arrived, each time.
        partial: whether the first bytes are of use if the body is announced larger than ``size``.

    """

    _peer: str
    _watchdog: Watchdog
    _size: int
    _feed: Callable[[bytes], bool] = lambda _: True
    _arrived: Callable[[int], object] = lambda _: None
    _partial: bool = attrs.field(default=False, kw_only=True)
    done: Deferred[None] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: Deferred(lambda _: self._hang_up()), takes_self=True),
    )
    _allowance: int = attrs.field(init=False)
    """Bytes that may still arrive."""
    _announced: int = attrs.field(default=0, init=False)
    """Bytes that the body has by its Content-Length."""
    _pieces: int = attrs.field(default=0, init=False)
    """How often bytes arrived."""
    _settled: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._allowance = self._size
        self._watchdog.on_expire = self._expired

    def read(self, response: IResponse) -> Deferred[None]:
        """Start reading and return ``done``."""
        if response.length is not UNKNOWN_LENGTH:
            self._announced = response.length
        response.deliverBody(self)
        return self.done

    def connectionMade(self) -> None:
        """Feed nothing once, as the body may be empty; reject one that is announced too large."""
        self._take(b"")
        if self._announced > self._allowance and not self._partial:
            self._too_large()

    def dataReceived(self, data: bytes) -> None:
        """Feed the next bytes."""
        self._watchdog.received(len(data))
        self._arrived(len(data))
        self._allowance -= len(data)
        if self.done.called:
            return
        self._pieces += 1
        if self._allowance < 0:
            if self._partial and not self._settled:
                self._take(data[: self._allowance])
            self._too_large()
        elif exceeds(self._pieces, self._size - self._allowance):
            self.fail(InvalidResponse(f"{self._peer} sent its response in very small pieces."))
        elif not self._settled:
            self._take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fire ``done`` at the end of the body."""
        if reason.check(ResponseDone, PotentialDataLoss) or self._settled:
            self._end()
        else:
            self.fail(IncompleteResponse(f"{self._peer} broke off in the middle of its response."))

    def pause(self) -> None:
        """Stop reading from the server, and stop its time."""
        if self.transport is not None and not self.done.called:
            self._watchdog.pause()
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Read from the server again."""
        if self.transport is not None and not self.done.called:
            self._watchdog.resume()
            self.transport.resumeProducing()  # type: ignore[attr-defined]

    def fail(self, error: DropServerError | Failure) -> None:
        """Close the connection and fail ``done``, unless it has fired."""
        if not self.done.called:
            self._hang_up()
            self.done.errback(error)

    def _take(self, data: bytes) -> None:
        try:
            if self._feed(data):
                self._settle()
        except DropServerError as error:
            self.fail(error)

    def _settle(self) -> None:
        self._settled = True
        self._allowance = SETTLE_BYTES
        self._watchdog.settle()

    def _expired(self) -> None:
        if self._settled:
            self._end()
        else:
            self.fail(TimedOut(f"{self._peer} sent its response too slowly."))

    def _too_large(self) -> None:
        if self._settled:
            self._end()
        else:
            self.fail(
                ResponseTooLarge(f"{self._peer} sent a response of more than {self._size} bytes.")
            )

    def _end(self) -> None:
        if not self.done.called:
            self._hang_up()
            self.done.callback(None)

    def _hang_up(self) -> None:
        # After the end of the response this does nothing: the connection is no longer ours.
        if self.transport is not None:
            self.transport.loseConnection()


def exceeds(count: int, size: int) -> bool:
    """Return whether so many pieces or parts are too many for ``size`` bytes."""
    return count > SMALL_PIECES + size // MEAN_BYTES


@attrs.define(eq=False, repr=False)
class PartQueue:
    """Passes parts to their consumer in batches, and pauses the reader when that falls behind."""

    _on_parts: OnParts
    count: int = attrs.field(default=0, init=False)
    """Parts that were added."""
    _reader: BodyReader | None = attrs.field(default=None, init=False)
    _waiting: list[Part] = attrs.field(factory=list, init=False)
    _waiting_bytes: int = attrs.field(default=0, init=False)
    _paused: bool = attrs.field(default=False, init=False)
    _running: Deferred[None] | None = attrs.field(default=None, init=False)
    _error: Failure | None = attrs.field(default=None, init=False)
    _idle: Deferred[None] | None = attrs.field(default=None, init=False)

    def throttle(self, reader: BodyReader) -> None:
        """Set the reader to pause while too many parts wait, and to fail if the consumer fails."""
        self._reader = reader

    def add(self, parts: list[Part]) -> None:
        """Pass parts to the consumer, now or when it has dealt with the earlier ones."""
        if not parts or self._error is not None:
            return
        self.count += len(parts)
        self._waiting += parts
        self._waiting_bytes += sum(len(part.body) + _PART_BYTES for part in parts)
        if self._running is None:
            self._running = running = Deferred.fromCoroutine(self._run())
            running.addBoth(self._ended)
        if self._waiting_bytes > WAITING_BYTES and not self._paused and self._reader is not None:
            self._paused = True
            self._reader.pause()

    async def finish(self) -> None:
        """Wait until the consumer has dealt with all parts. Raises what it raised."""
        if self._running is not None:
            self._idle = Deferred(lambda _: self.cancel())
            await self._idle
        if self._error is not None:
            self._error.raiseException()

    def cancel(self) -> None:
        """Discard the waiting parts and cancel what the consumer is doing."""
        self._waiting = []
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
            if self._paused and self._reader is not None:
                self._paused = False
                self._reader.resume()
            result = self._on_parts(batch)
            if result is not None:
                await result

    def _ended(self, result: Failure | None) -> None:
        self._running = None
        if result is not None:
            self._error = result
            self._waiting = []
            if self._reader is not None:
                self._reader.fail(result)
        if self._idle is not None and not self._idle.called:
            self._idle.callback(None)
