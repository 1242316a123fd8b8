"""Requests to an S3 server: signed, repeated when that can help, and never waiting for ever."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol, TypeVar

import attrs
from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
    TimeoutError,  # noqa: A004 - Twisted has its own
)
from twisted.internet.task import deferLater
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)
from twisted.web.http_headers import Headers

from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.s3_answers import LARGEST, failure, reason_of
from qabel.blockserver.s3_body import PiecesProducer, S3Body, S3Cut, SilenceTimer
from qabel.blockserver.s3_place import S3Place

KEPT = 16
"""Idle connections that are kept."""

KEEP_SECONDS = 15
"""Seconds that an idle connection is kept: less than servers wait before they close it."""

NO_BODY = sha256().hexdigest()

CLOSED = "the storage is closed"

_FAILURES = (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    CancelledError,
)

_BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

_Result = TypeVar("_Result")


@attrs.frozen(kw_only=True)
class S3Times:
    """How long a server is waited for, in seconds."""

    connect: float = 10.0
    silence: float = 60.0
    """In which it neither takes nor sends a byte."""
    pauses: Sequence[float] = (0.2, 1.0, 3.0)
    """Before the request is sent again, when it failed."""


@attrs.frozen(eq=False, repr=False)
class S3Request:
    """A request, which can be sent again."""

    method: str
    name: str = ""
    """Of an object; without, it is about the bucket."""
    query: Sequence[tuple[str, str]] = ()
    body: Sequence[bytes] = ()
    digest: str = NO_BODY
    """SHA-256 of the body, in hexadecimal."""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    is_urgent: bool = True
    """Whether it is sent again when it failed."""


class RequestSigner(Protocol):
    """Signs requests."""

    def sign(self, method: str, url: str, headers: Mapping[str, str], digest: str, /) -> Headers:
        """Return the headers of a request, with its signature."""


@attrs.frozen(eq=False, repr=False)
class S3Response:
    """An answer whose body is still to be read, or aborted."""

    status: int
    headers: Headers
    body: S3Body

    def header(self, name: str) -> str:
        """Return the value of a header; empty if it is missing."""
        values = self.headers.getRawHeaders(name) or [""]
        return values[-1].strip()


@attrs.frozen(eq=False, repr=False)
class S3Answer:
    """An answer whose body is read."""

    status: int
    body: bytes
    response: S3Response

    @property
    def reason(self) -> str:
        """Why it was refused, if that is known."""
        return reason_of(self.body)


class S3Unreachable(StorageFailed):
    """The server cannot be reached now, or was busy. It may help to try again."""


@attrs.define(eq=False, repr=False)
class S3Requests:
    """Sends requests to one place in S3.

    Args:
        place: where.
        signer: signs them.
        reactor: Twisted's reactor.
        times: how long the server is waited for.

    """

    place: S3Place
    _signer: RequestSigner
    _reactor: Any
    _times: S3Times = attrs.field(factory=S3Times)
    _pool: HTTPConnectionPool = attrs.field(init=False)
    _agent: Agent = attrs.field(init=False)
    _running: "set[Deferred[Any]]" = attrs.field(factory=set, init=False)
    _pauses: "set[Deferred[None]]" = attrs.field(factory=set, init=False)
    """Those before something is sent again."""
    _is_closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = HTTPConnectionPool(self._reactor)
        self._pool.maxPersistentPerHost = KEPT
        self._pool.cachedConnectionTimeout = KEEP_SECONDS
        # It follows no redirects: a signature is for one server.
        self._agent = Agent(self._reactor, connectTimeout=self._times.connect, pool=self._pool)

    async def open(self, request: S3Request) -> S3Response:
        """Send a request; return the answer, whose body is to be read. Raises StorageFailed."""
        return await self._tracked(self._tried(request, self._once))

    async def ask(self, request: S3Request, *expected: int) -> S3Answer:
        """Send a request; return the whole answer.

        Args:
            request: what to send.
            expected: the statuses that are no failures.

        Raises:
            StorageFailed: it has another status, or there is none.

        """
        return await self._tracked(self._ask(request, expected))

    async def close(self, patience: float) -> None:
        """Send nothing more; return when all is answered, or was cancelled.

        Args:
            patience: seconds in which it may be answered.

        """
        self._is_closed = True
        for each in list(self._pauses):
            each.cancel()
        late = self._reactor.callLater(patience, self._cancel)
        await DeferredList([_seen(each) for each in self._running])
        if late.active():
            late.cancel()
        # A connection whose answer ends later is not kept.
        self._pool.cachedConnectionTimeout = 0
        await self._pool.closeCachedConnections()

    def _cancel(self) -> None:
        for each in list(self._running):
            each.cancel()

    async def _tracked(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        if self._is_closed:
            work.close()
            raise StorageFailed(CLOSED)
        running = Deferred.fromCoroutine(work)
        self._running.add(running)
        try:
            return await running
        except CancelledError:
            raise StorageFailed(CLOSED) from None
        finally:
            self._running.discard(running)

    async def _ask(self, request: S3Request, expected: Sequence[int]) -> S3Answer:
        response, body = await self._tried(request, self._whole)
        if response.status not in expected:
            raise failure(response.status, body)
        return S3Answer(response.status, body, response)

    async def _tried(
        self, request: S3Request, act: Callable[[S3Request], Coroutine[Any, Any, _Result]]
    ) -> _Result:
        for pause in self._times.pauses if request.is_urgent else ():
            try:
                return await act(request)
            except S3Unreachable:
                if self._is_closed:
                    raise
            await self._pause(pause)
        return await act(request)

    async def _whole(self, request: S3Request) -> tuple[S3Response, bytes]:
        response = await self._once(request)
        try:
            return response, await response.body.read_all(LARGEST)
        except S3Cut as error:
            raise S3Unreachable(str(error)) from None

    async def _pause(self, seconds: float) -> None:
        pause: Deferred[None] = deferLater(self._reactor, seconds)
        self._pauses.add(pause)
        try:
            await pause
        finally:
            self._pauses.discard(pause)

    async def _once(self, request: S3Request) -> S3Response:
        timer = SilenceTimer(self._reactor, self._times.silence, lambda: sent.cancel())  # noqa: PLW0108
        sent = self._send(request, timer)
        timer.restart()
        try:
            answer = await sent
        except _FAILURES as error:
            if timer.has_expired:
                raise timer.error from None
            if self._is_closed or isinstance(error, CancelledError):
                raise StorageFailed(CLOSED) from None
            if isinstance(error, TimeoutError):
                raise StorageFailed("the S3 server cannot be reached: it does not answer") from None
            raise S3Unreachable(f"the S3 server cannot be reached: {_kind(error)}") from None
        finally:
            timer.stop()
        body = S3Body(self._reactor, self._times.silence)
        answer.deliverBody(body)
        if answer.code in _BUSY:
            raise _busy(answer.code, await body.read_all(LARGEST))
        return S3Response(answer.code, answer.headers, body)

    def _send(self, request: S3Request, timer: SilenceTimer) -> "Deferred[Any]":
        url = self.place.url(request.name, request.query)
        headers = {"Host": self.place.host, **request.headers}
        signed = self._signer.sign(request.method, url, headers, request.digest)
        has_body = request.method in ("PUT", "POST")
        body = PiecesProducer(request.body, timer.restart) if has_body else None
        return self._agent.request(request.method.encode(), url.encode(), signed, body)


def _seen(running: "Deferred[Any]") -> "Deferred[None]":
    """Return what fires when a request is over, whatever it has become."""
    done: Deferred[None] = Deferred()

    def over(result: Any) -> Any:
        done.callback(None)
        return result

    running.addBoth(over)
    return done


def _busy(status: int, body: bytes) -> StorageFailed:
    found = failure(status, body)
    return S3Unreachable(str(found), is_full=found.is_full)


def _kind(error: Exception) -> str:
    """Return what failed, by name only: texts could have anything in them."""
    reasons = getattr(error, "reasons", None)
    first = reasons[0].value if reasons else error
    if isinstance(first, TLSError | VerificationError):
        return "its certificate is not accepted, or it speaks no TLS"
    return type(first).__name__
