"""Push: a drop server tells that something came, so that it need not be asked all the time.

It tells *that*, never *what*: fetching stays the truth (Qabel-Protocol-Drop, "Push").
"""

import time
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.client import URI

from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy, any_address, is_global, private_address_error
from qabel.net.connector import Connector
from qabel.net.errors import DropServerError, NotAllowed
from qabel.net.websocket import WebSocket, WebSocketCallbacks, WebSocketFactory

Delay = Callable[[int], float]
"""Gives the seconds to wait after so many failures in a row."""


class PushListener:
    """Keeps a WebSocket to one drop, and calls ``on_news`` when it is time to fetch.

    That is when a message came, and each time that the connection opens: what came before is told
    by nobody. A lost connection is made anew after ``delay(failures)``; a server that knows no push
    is asked again after ``rare_delay(refusals)``. Nothing is ever raised.

    ``connected`` tells how it is, ``since`` (seconds since the epoch) for how long, ``error`` what
    was last wrong, if it is not connected.
    """

    _log = Logger()

    def __init__(
        self,
        connector: Connector,
        policy: AddressPolicy,
        url: DropURL,
        on_news: Callable[[], object],
        *,
        clock: IReactorTime,
        delay: Delay,
        rare_delay: Delay,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.connected = False
        self.since: float | None = None
        self.error: str | None = None
        self._connector = connector
        self._policy = policy
        self._url = url
        self._on_news = on_news
        self._clock = clock
        self._delay = delay
        self._rare_delay = rare_delay
        self._now = now
        self._failures = 0
        self._refusals = 0
        self._refused: int | None = None
        self._work: Deferred[None] | None = None

    def __repr__(self) -> str:
        return f"<PushListener on {self._url.host}, connected: {self.connected}>"

    def start(self) -> None:
        """Begin."""
        if self._work is None:
            self.since = self._now()
            self._work = Deferred.fromCoroutine(self._listen())

    def stop(self) -> Deferred[None]:
        """End; fires when the connection is closed."""
        work, self._work = self._work, None
        if work is None:
            return succeed(None)
        ended: Deferred[None] = Deferred()
        work.addErrback(lambda failure: failure.trap(CancelledError) and None)
        work.addErrback(lambda failure: self._log.failure("push ended badly", failure))
        work.addCallback(ended.callback)
        work.cancel()
        return ended

    async def _listen(self) -> None:
        while True:
            self._refused = None
            try:
                await self._one_connection()
                wait = self._after_connection()
            except NotAllowed as error:
                self.error = error.detail
                wait = self._after_refusal()
            except DropServerError as error:
                self.error = error.detail
                wait = self._after_failure()
            await deferLater(self._clock, wait)

    async def _one_connection(self) -> None:
        """Connect, and wait for the end of the connection."""
        uri = URI.fromBytes(f"{self._url}/ws".encode("ascii"))
        target = uri.originForm.decode("ascii")
        told = WebSocketCallbacks(
            opened=self._opened,
            message=self._tell,
            alive=self._lives,
            refused=self._note_refusal,
        )
        factory = WebSocketFactory(lambda: WebSocket(self._url.host, target, self._clock, told))
        admits = any_address if self._policy.trusts(self._url) else is_global
        socket = await self._connector.connect(uri, factory, admits, private_address_error)
        try:
            await socket.when_lost()
        except CancelledError:
            socket.abort()
            await socket.when_lost()
            raise
        finally:
            if self.connected:
                self.connected, self.since = False, self._now()

    def _after_connection(self) -> float:
        peer = f"The drop server at {self._url.host}"
        if self._refused is None:
            self.error = f"{peer} closed its push connection."
            return self._after_failure()
        self.error = f"{peer} offers no push (status {self._refused})."
        return self._after_failure() if self._refused >= 500 else self._after_refusal()

    def _after_failure(self) -> float:
        self._failures += 1
        return self._delay(self._failures - 1)

    def _after_refusal(self) -> float:
        self._refusals += 1
        return self._rare_delay(self._refusals - 1)

    def _opened(self) -> None:
        self.connected, self.since, self.error = True, self._now(), None
        self._refusals = 0
        self._tell()

    def _lives(self) -> None:
        """Forget the failures: only a connection that lives for a while is a good one."""
        self._failures = 0

    def _note_refusal(self, status: int) -> None:
        self._refused = status

    def _tell(self) -> None:
        with self._log.failuresHandled("acting on news failed"):
            self._on_news()
