"""Push: a drop server signals new messages, so that a drop need not be polled all the time.

A push says *that* something came, never *what*: fetching remains the only source of messages
(Qabel-Protocol-Drop, "Push").
"""

import time
from collections.abc import Callable, Collection
from typing import ClassVar

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.client import URI

from qabel.drop.url import DropURL
from qabel.host.token_bucket import TokenBucket
from qabel.net.address_policy import AddressPolicy, any_address, private_address_error
from qabel.net.addresses import is_global
from qabel.net.connector import Connector
from qabel.net.errors import DropServerError, NotAllowed
from qabel.net.exchange_limits import set_current_watchdog
from qabel.net.group_tokens import GroupTokens, not_admitted
from qabel.net.isolation import Isolation
from qabel.net.websocket import WebSocket, WebSocketCallbacks, WebSocketFactory

NEWS_A_SECOND = 10.0
"""Calls of ``on_news`` a second on average: each makes a request."""

NEWS_AT_ONCE = 100
"""Calls of ``on_news`` without a pause after a quiet time."""

PROBLEM_AFTER = 2
"""Failures in a row that are a problem: one is what a server's restart takes."""

MOST_ANNOUNCED = 1000
"""Hashes that are passed on at a time, roughly."""

WARNING_SECONDS = 3600.0
"""Seconds in which one warning is logged at most."""

Delay = Callable[[int], float]
"""Returns the seconds to wait after a number of earlier failures in a row."""


@attrs.define(eq=False, repr=False)
class PushListener:
    """Keeps a WebSocket to one drop open, and calls ``on_news`` when it is time to fetch.

    That is when a message arrived, and each time the connection opens, since nothing announces what
    came before. Failures show in ``error``; nothing is raised.

    Args:
        connector: opens the connections.
        policy: decides whether the server is trusted.
        isolation: decides what the connection must not be joined with.
        url: the drop.
        on_news: called when it is time to fetch, with the hashes of the messages that arrived as
            far as they may be for us.
        clock: measures all times.
        delay: seconds before connecting again after a lost connection.
        rare_delay: seconds before connecting again to a server that offers no push.
        tokens: those of closed groups. Another one is used for the next connection.
        now: returns seconds since the epoch.

    """

    _connector: Connector
    _policy: AddressPolicy
    _isolation: Isolation
    _url: DropURL
    _on_news: Callable[[Collection[bytes]], object]
    _clock: IReactorTime = attrs.field(kw_only=True)
    _delay: Delay = attrs.field(kw_only=True)
    _rare_delay: Delay = attrs.field(kw_only=True)
    _tokens: GroupTokens = attrs.field(factory=GroupTokens, kw_only=True)
    _now: Callable[[], float] = attrs.field(default=time.time, kw_only=True)
    on_lost: Callable[[], object] = attrs.field(default=lambda: None, init=False)
    """Called when the connection is not open any more, except by ``stop``."""
    connected: bool = attrs.field(default=False, init=False)
    """Whether the connection is open."""
    since: float | None = attrs.field(default=None, init=False)
    """Since when ``connected`` is what it is, in seconds since the epoch."""
    heard: float | None = attrs.field(default=None, init=False)
    """When the server last proved that the connection works, in seconds on the clock."""
    error: str | None = attrs.field(default=None, init=False)
    """The last problem, while it is not connected."""
    is_offered: bool = attrs.field(default=True, init=False)
    """Whether the server offers push, as far as is known."""
    _last_error: str | None = attrs.field(default=None, init=False)
    """The last problem, until a connection has lasted for a while."""
    _failures: int = attrs.field(default=0, init=False)
    _rejections: int = attrs.field(default=0, init=False)
    _rejected: int | None = attrs.field(default=None, init=False)
    """The HTTP status by which the server rejected the current connection."""
    _token: str | None = attrs.field(default=None, init=False, repr=False)
    """The token that the current connection was opened with."""
    _flooded: bool = attrs.field(default=False, init=False)
    """Whether the current connection was closed because too many frames came."""
    _last_warning: float | None = attrs.field(default=None, init=False)
    _news_allowed: TokenBucket = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: TokenBucket(self._clock, NEWS_A_SECOND, NEWS_AT_ONCE), takes_self=True
        ),
    )
    _announced: set[bytes] = attrs.field(factory=set, init=False)
    """The messages since the last call of ``on_news``."""
    _later: IDelayedCall | None = attrs.field(default=None, init=False)
    """Calls ``on_news`` when that is allowed again."""
    _work: Deferred[None] | None = attrs.field(default=None, init=False)

    _log: ClassVar[Logger] = Logger()

    def __repr__(self) -> str:
        return f"<PushListener on {self._url.host}, connected: {self.connected}>"

    @property
    def problem(self) -> str | None:
        """Why connections fail, or end soon, again and again; None if they do not."""
        return self._last_error if self._failures >= PROBLEM_AFTER else None

    def start(self) -> None:
        """Start listening. Does nothing if it is started already."""
        if self._work is None:
            self.since = self._now()
            self._work = Deferred.fromCoroutine(self._listen())

    def stop(self) -> Deferred[None]:
        """Stop listening; fires when the connection is closed."""
        work, self._work = self._work, None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if work is None:
            return succeed(None)
        ended: Deferred[None] = Deferred()
        work.addErrback(lambda failure: failure.trap(CancelledError) and None)
        work.addErrback(lambda failure: self._log.failure("the push listener failed", failure))
        work.addCallback(ended.callback)
        work.cancel()
        return ended

    async def _listen(self) -> None:
        # It may have been started by what an exchange has brought, but is no part of that.
        set_current_watchdog(None)
        while True:
            self._rejected, self._flooded = None, False
            try:
                await self._run_connection()
                wait = self._after_connection()
            except NotAllowed as error:
                self.error = error.detail
                wait = self._after_rejection()
            except DropServerError as error:
                self.error = error.detail
                wait = self._after_failure()
            await deferLater(self._clock, wait)

    async def _run_connection(self) -> None:
        """Connect, and wait for the end of the connection."""
        uri = URI.fromBytes(f"{self._url}/ws".encode("ascii"))
        allows = any_address if self._policy.trusts(self._url) else is_global
        factory = WebSocketFactory(lambda: self._make_socket(uri))
        key = self._isolation.push(self._url)
        socket = await self._connector.connect(uri, factory, allows, private_address_error, key)
        try:
            await socket.when_lost()
        except CancelledError:
            socket.abort()
            await socket.when_lost()
            raise
        finally:
            if self.connected:
                self.connected, self.since = False, self._now()
                if self._work is not None:
                    with self._log.failuresHandled("acting on a lost push connection failed"):
                        self.on_lost()

    def _make_socket(self, uri: URI) -> WebSocket:
        callbacks = WebSocketCallbacks(
            opened=self._opened,
            received=self._notify,
            alive=self._alive,
            flooded=self._note_flood,
            rejected=self._note_status,
        )
        target = uri.originForm.decode("ascii")
        self._token = self._tokens.get(self._url)
        return WebSocket(self._url.host, target, self._clock, callbacks, self._token)

    def _after_connection(self) -> float:
        peer = f"The drop server at {self._url.host}"
        if self._flooded:
            self.error = f"{peer} sent too many push frames, so the connection was closed."
            return self._after_failure()
        if self._rejected is None:
            self.error = f"{peer} closed the push connection."
            return self._after_failure()
        outsider = not_admitted(self._url, self._rejected, self._token)
        if outsider is not None:
            self.error = outsider.detail
            return self._after_failure()
        if self._rejected >= 500:
            self.error = f"{peer} rejected the push connection with status {self._rejected}."
            return self._after_failure()
        self.error = f"{peer} does not offer push (status {self._rejected})."
        self.is_offered = False
        return self._after_rejection()

    def _after_failure(self) -> float:
        self._failures += 1
        self._last_error = self.error
        return self._delay(self._failures - 1)

    def _after_rejection(self) -> float:
        self._rejections += 1
        self._failures = 0
        return self._rare_delay(self._rejections - 1)

    def _opened(self) -> None:
        self.connected, self.since, self.error = True, self._now(), None
        self._rejections, self.is_offered = 0, True
        self.heard = self._clock.seconds()
        self._notify()

    def _alive(self) -> None:
        """Reset the backoff: only a connection that lasts for a while is a good one."""
        self._failures = 0
        self.heard = self._clock.seconds()

    def _note_status(self, status: int) -> None:
        self._rejected = status

    def _note_flood(self) -> None:
        self._flooded = True
        now = self._clock.seconds()
        if self._last_warning is None or now - self._last_warning > WARNING_SECONDS:
            self._last_warning = now
            self._log.warn(
                "The drop server at {host} sent too many push frames, so the connection was closed."
                " It is tried again after growing pauses.",
                host=self._url.host,
            )

    def _notify(self, hashes: Collection[bytes] = ()) -> None:
        """Call ``on_news`` now, or as soon as it is allowed again."""
        if len(self._announced) < MOST_ANNOUNCED:
            self._announced.update(hashes)
        if self._later is not None:
            return
        if self._news_allowed.take():
            with self._log.failuresHandled("acting on a push failed"):
                announced, self._announced = self._announced, set()
                self._on_news(announced)
        else:
            self._later = self._clock.callLater(self._news_allowed.wait(), self._notify_later)

    def _notify_later(self) -> None:
        self._later = None
        self._notify()
