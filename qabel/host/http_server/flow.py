"""Writing a long response no faster than its client reads it."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from qabel.host.http_server.request import BoundedRequest


@implementer(IPushProducer)
@attrs.define(eq=False, repr=False)
class Flow:
    """Says when a connection takes more, and ends one that takes nothing for too long.

    Args:
        request: whose response is written.
        clock: measures the patience.
        patience: seconds within which the client must take what was written; None for ever.

    """

    _request: BoundedRequest
    _clock: IReactorTime
    _patience: float | None = None
    paused_since: float | None = attrs.field(default=None, init=False)
    """When the connection took no more, on the clock; None while it does."""
    _resumed: "Deferred[None] | None" = attrs.field(default=None, init=False)
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    @property
    def is_paused(self) -> bool:
        """Whether the connection takes no more for now."""
        return self.paused_since is not None

    def start(self) -> None:
        """Be told of the connection from now on."""
        self._request.notifyFinish().addErrback(lambda _: self.resumeProducing())
        self._request.registerProducer(self, True)

    def end(self) -> None:
        """Be told no more: all was written."""
        self._stop_timer()
        if self._request.is_connected:
            self._request.unregisterProducer()

    async def ready(self) -> None:
        """Wait until the connection takes more, or is lost."""
        if self.is_paused:
            self._resumed = Deferred(self._forget)
            await self._resumed

    async def write(self, data: bytes) -> None:
        """Write if there is a connection, and wait until it takes more or is lost."""
        if self._request.is_connected:
            self._request.write(data)
            await self.ready()

    def pauseProducing(self) -> None:
        """Note that the connection holds as much as it can."""
        if not self.is_paused:
            self.paused_since = self._clock.seconds()
            if self._patience is not None:
                self._timer = self._clock.callLater(self._patience, self._request.abort)

    def resumeProducing(self) -> None:
        """Note that the connection has sent what it held."""
        self.paused_since = None
        self._stop_timer()
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: the request says when its connection is gone, and not before is it.

        Whoever went on writing at this call would write into nothing, and take it for written.
        """

    def _forget(self, _: object) -> None:
        self._resumed = None

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
