"""Sending what is large piece by piece, no faster than it is read at the other end."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import implementer

from qabel.contract.reply import Reply
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest

LARGE = 64 * 1024
"""Bytes from which on a body is sent in pieces of this size."""

PATIENCE = 30.0
"""Seconds in which the other end must take one piece."""


def send_large(request: ApiRequest, reply: Reply) -> "Deferred[None]":
    """Send an answer; fires when the system has taken all of it. Does not finish the request."""
    return _Sending(request, begin(request, reply)).start()


@implementer(IPushProducer)
class _Sending:
    """One body on its way."""

    def __init__(self, request: ApiRequest, body: bytes) -> None:
        self._request = request
        self._rest = memoryview(body)
        self._paused = False
        self._done: Deferred[None] = Deferred(lambda _: self._end())
        self._timer: IDelayedCall | None = None

    def start(self) -> "Deferred[None]":
        """Begin."""
        self._request.registerProducer(self, True)
        self.resumeProducing()
        return self._done

    def pauseProducing(self) -> None:
        """Wait: what was written so far has not all been taken."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on: everything was taken."""
        self._paused = False
        self._stop_timer()
        while self._rest and not self._paused:
            piece, self._rest = self._rest[:LARGE], self._rest[LARGE:]
            self._request.write(bytes(piece))
        if self._paused:
            self._timer = self._request.site.reactor.callLater(PATIENCE, self._request.abort)
        elif not self._done.called:
            self._end()
            self._done.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: who waits for the end is told by the request."""

    def _end(self) -> None:
        self._stop_timer()
        if self._request.is_connected:
            self._request.unregisterProducer()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
