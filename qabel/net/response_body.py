"""The body of an answer, piece by piece: never more of it in memory than its reader can take."""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from qabel.drop.multipart import Part
from qabel.net.errors import DropServerError, IncompleteResponse, ResponseTooLarge, TimedOut
from qabel.net.exchange_limits import SETTLE_BYTES, Watchdog

WAITING_BYTES = 1 << 18
"""Parts that wait while earlier ones are dealt with: past this, the server has to wait too."""

_PART_BYTES = 256  # what a part takes in memory besides its body, about

OnParts = Callable[[list[Part]], Awaitable[None] | None]


class BodyReader(Protocol):
    """Feeds the body of an answer to ``feed``, which tells when it has all that matters.

    From then on the server has a moment to end the answer, so that the connection can be used
    again; whatever comes means nothing. ``done`` fires at the end, or fails with DropServerError.
    """

    def __init__(
        self, peer: str, watch: Watchdog, size: int, feed: Callable[[bytes], bool] = lambda _: True
    ) -> None:
        self.done: Deferred[None] = Deferred(lambda _: self._hang_up())
        self._peer = peer
        self._watch = watch
        self._room = size
        self._length = 0
        self._feed = feed
        self._settled = False
        watch.expire = self._expired

    def read(self, response: IResponse) -> Deferred[None]:
        """Begin, and give ``done``."""
        if response.length is not UNKNOWN_LENGTH:
            self._length = response.length
        response.deliverBody(self)
        return self.done

    def connectionMade(self) -> None:
        """Begin, but not what cannot end well."""
        self._take(b"")
        if self._length > self._room:
            self._too_big()

    def dataReceived(self, data: bytes) -> None:
        """Take the next piece."""
        self._watch.came(len(data))
        self._room -= len(data)
        if self.done.called:
            return
        if self._room < 0:
            self._too_big()
        elif not self._settled:
            self._take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end of the body."""
        if reason.check(ResponseDone, PotentialDataLoss) or self._settled:
            self._end()
        else:
            self._fail(IncompleteResponse(f"{self._peer} broke off in the middle of its answer."))

    def hold(self) -> None:
        """Have the server wait, at our expense."""
        if self.transport is not None and not self.done.called:
            self._watch.pause()
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def release(self) -> None:
        """Let the server go on."""
        if self.transport is not None and not self.done.called:
            self._watch.resume()
            self.transport.resumeProducing()  # type: ignore[attr-defined]

    def give_up(self, failure: Failure) -> None:
        """End it because what came could not be dealt with."""
        self._fail(failure)

    def _take(self, data: bytes) -> None:
        try:
            if self._feed(data):
                self._settle()
        except DropServerError as error:
            self._fail(error)

    def _settle(self) -> None:
        self._settled = True
        self._room = SETTLE_BYTES
        self._watch.settle()

    def _expired(self) -> None:
        if self._settled:
            self._end()
        else:
            self._fail(TimedOut(f"{self._peer} was too slow with its answer."))

    def _too_big(self) -> None:
        if self._settled:
            self._end()
        else:
            self._fail(ResponseTooLarge(f"{self._peer} sent more than a drop may hold."))

    def _end(self) -> None:
        if not self.done.called:
            self._hang_up()
            self.done.callback(None)

    def _fail(self, error: DropServerError | Failure) -> None:
        if not self.done.called:
            self._hang_up()
            self.done.errback(error)

    def _hang_up(self) -> None:
        # After the end of the answer this does nothing: the connection is no longer ours then.
        if self.transport is not None:
            self.transport.loseConnection()


class PartQueue:
    """Hands parts over one batch at a time, and has the server wait when their reader lags."""

    def __init__(self, on_parts: OnParts) -> None:
        self.count = 0
        self._on_parts = on_parts
        self._reader: BodyReader | None = None
        self._waiting: list[Part] = []
        self._bytes = 0
        self._held = False
        self._running: Deferred[None] | None = None
        self._error: Failure | None = None
        self._idle: Deferred[None] | None = None

    def holds_back(self, reader: BodyReader) -> None:
        """Say who is to have the server wait."""
        self._reader = reader

    def add(self, parts: list[Part]) -> None:
        """Hand these over: now, or when the earlier ones are dealt with."""
        if not parts or self._error is not None:
            return
        self.count += len(parts)
        self._waiting += parts
        self._bytes += sum(len(part.body) + _PART_BYTES for part in parts)
        if self._running is None:
            self._running = running = Deferred.fromCoroutine(self._run())
            running.addBoth(self._ended)
        if self._bytes > WAITING_BYTES and not self._held and self._reader is not None:
            self._held = True
            self._reader.hold()

    async def finish(self) -> None:
        """Wait until all were dealt with. Raises what their reader raised."""
        if self._running is not None:
            self._idle = Deferred(lambda _: self.cancel())
            await self._idle
        if self._error is not None:
            self._error.raiseException()

    def cancel(self) -> None:
        """Hand nothing more over, and end what the reader is doing."""
        self._waiting = []
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting, self._bytes = self._waiting, [], 0
            if self._held and self._reader is not None:
                self._held = False
                self._reader.release()
            result = self._on_parts(batch)
            if result is not None:
                await result

    def _ended(self, result: Failure | None) -> None:
        self._running = None
        if result is not None:
            self._error = result
            self._waiting = []
            if self._reader is not None:
                self._reader.give_up(result)
        if self._idle is not None and not self._idle.called:
            self._idle.callback(None)
