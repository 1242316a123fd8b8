"""Writing a long response no faster than its client reads it."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from qabel.host.http_server.request import BoundedRequest

PIECE = 64 * 1024 + 1
"""Bytes of a large body that are written at once. Twisted's transports say that they are full when
they hold more than 64 KiB; so they tell of each piece when the system has taken it."""


@implementer(IPushProducer)
@attrs.define(eq=False, repr=False)
class Flow:
    """Tells when a connection can take more, and cuts one whose client reads nothing.

    Args:
        request: the request whose response is written.
        clock: measures the patience.
        patience: seconds within which the client must take what was written; None for no limit.

    """

    _request: BoundedRequest
    _clock: IReactorTime
    _patience: float | None = None
    paused_since: float | None = attrs.field(default=None, init=False)
    """When the connection became full, on the clock; None while it can take more."""
    _resumed: "Deferred[None] | None" = attrs.field(default=None, init=False)
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    @property
    def is_paused(self) -> bool:
        """Whether the connection is full."""
        return self.paused_since is not None

    def start(self) -> None:
        """Watch the connection from now on."""
        self._request.notifyFinish().addErrback(lambda _: self.resumeProducing())
        self._request.registerProducer(self, True)

    def end(self) -> None:
        """Stop watching the connection: all was written."""
        self._stop_timer()
        if self._request.is_connected:
            self._request.unregisterProducer()

    async def ready(self) -> None:
        """Wait until the connection can take more, or is lost."""
        if self.is_paused:
            self._resumed = Deferred(self._forget)
            await self._resumed

    async def write(self, data: bytes) -> None:
        """Write, and wait until the connection can take more. Do nothing if it is lost."""
        if self._request.is_connected:
            self._request.write(data)
            await self.ready()

    async def write_large(self, body: bytes) -> None:
        """Write a body of 64 KiB or more; return when the system has taken all of it.

        If the connection is lost, return when it is.
        """
        rest = memoryview(body)
        while rest:
            # The last piece is a long one, not a short one, of which nothing would be told.
            size = PIECE if len(rest) >= 2 * PIECE else len(rest)
            piece, rest = rest[:size], rest[size:]
            await self.write(bytes(piece))

    def pauseProducing(self) -> None:
        """Note that the connection is full."""
        if not self.is_paused:
            self.paused_since = self._clock.seconds()
            if self._patience is not None:
                self._timer = self._clock.callLater(self._patience, self._request.abort)

    def resumeProducing(self) -> None:
        """Note that the system has taken all that was written."""
        self.paused_since = None
        self._stop_timer()
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: the transport calls this before the request knows that it is disconnected.

        A writer that went on now would write into nothing, and take it for sent.
        """

    def _forget(self, _: object) -> None:
        self._resumed = None

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
