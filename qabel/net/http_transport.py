"""treq with nothing of its own on the wire: what is sent is what was asked for, no byte more."""

from collections.abc import Callable
from typing import Any

from hyperlink import EncodedURL
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from qabel.net.connector import AddressFilter, Connector, EndpointFactory
from qabel.net.errors import DropServerError, EncodedBody, HeadersTooLong, StaleConnection

CONNECTIONS_PER_HOST = 4
KEEP_SECONDS = 60
"""How long an idle connection is kept."""

HEADERS_LIMIT = 65536
"""Bytes that the status line and headers of an answer may have."""

CLOSE_SECONDS = 2.0
"""How long a TLS server may take to agree that a connection ends."""


class Transport:
    """Sends requests over connections of its own, to hosts at addresses that ``admits`` lets pass.

    Connections are kept and used again, but never between two transports.
    """

    def __init__(
        self,
        clock: IReactorTime,
        connector: Connector,
        admits: AddressFilter,
        refusal: Callable[[str], DropServerError],
    ) -> None:
        self._open: set[_ConnectionGuard] = set()
        self._closed: Deferred[None] | None = None
        self._pool = HTTPConnectionPool(clock)
        self._pool.maxPersistentPerHost = CONNECTIONS_PER_HOST
        self._pool.cachedConnectionTimeout = KEEP_SECONDS
        endpoints = EndpointFactory(
            connector, admits, refusal, lambda factory: _ConnectionGuards(factory, clock, self)
        )
        agent = Agent.usingEndpointFactory(clock, endpoints, self._pool)
        self._cookies = _NoCookies()
        self._client = HTTPClient(_BareAgent(agent), cookiejar=self._cookies)

    def request(
        self, method: str, url: str, headers: Headers, body: bytes | None = None
    ) -> Deferred[IResponse]:
        """Send a request with just these headers, and ``Content-Length`` if there is a body.

        Fires when the headers of the answer are there; its body is not read before somebody does.
        """
        answer: Deferred[Any] = self._client.request(
            method,
            _WireURL(url),
            headers=headers,
            data=None if body is None else _Body(body),
            cookies=self._cookies,  # else treq makes a jar for each request
            allow_redirects=False,
            unbuffered=True,
        )
        return answer

    def close(self) -> Deferred[None]:
        """Close all connections, which nobody is to use any more; fires when they are closed."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        for each in list(self._open):
            each.loseConnection()
        return closed.addCallback(lambda _: self._when_empty())

    def opened(self, guard: "_ConnectionGuard") -> None:
        """Note a new connection."""
        self._open.add(guard)

    def lost(self, guard: "_ConnectionGuard") -> None:
        """Note the end of a connection."""
        self._open.discard(guard)
        if self._closed is not None and not self._open:
            closed, self._closed = self._closed, None
            closed.callback(None)

    def _when_empty(self) -> Deferred[None]:
        if not self._open:
            return succeed(None)
        self._closed = Deferred()
        return self._closed


class _WireURL(EncodedURL):
    """A URL that goes on the wire as it is: hyperlink would refuse IPv6 hosts and underscores.

    It is not taken apart either, which takes as long as all else that treq does.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def to_uri(self) -> "_WireURL":
        return self

    def to_text(self, with_password: bool = False) -> str:
        return self._text


class _NoCookies(IndexableCookieJar):
    """Keeps no cookie and sends none."""

    def add_cookie_header(self, request: Any) -> None:
        """Add nothing."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Take nothing."""

    def set_cookie(self, cookie: Any) -> None:
        """Keep nothing."""


@implementer(IAgent)
class _BareAgent:
    """Takes away what treq adds, and refuses encoded bodies before treq can decode them."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,  # noqa: N803
    ) -> Deferred[IResponse]:
        """Send the request without an Accept-Encoding."""
        if headers is not None:
            headers.removeHeader(b"Accept-Encoding")  # of the copy that treq made
        return self._agent.request(method, uri, headers, bodyProducer).addCallback(_unencoded)


def _unencoded(response: IResponse) -> IResponse:
    encodings = response.headers.getRawHeaders(b"Content-Encoding", [])
    if all(each.strip().lower() in (b"", b"identity") for each in encodings):
        return response
    response.deliverBody(HangUp())
    raise EncodedBody


class HangUp(Protocol):
    """Reads no body: closes the connection instead."""

    def connectionMade(self) -> None:
        """Close."""
        if self.transport is not None:
            self.transport.loseConnection()


@implementer(IBodyProducer)
class _Body:
    """A body that is in memory, sent at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write it."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Do nothing: it is written already."""

    def resumeProducing(self) -> None:
        """Do nothing: it is written already."""

    def stopProducing(self) -> None:
        """Do nothing: it is written already."""


class _ConnectionGuard(ProtocolWrapper):
    """Between the HTTP client and its connection: bounds headers, sees stale ones, ends closings.

    The HTTP client pauses its transport, or resumes it, once it has read the headers of an answer;
    until then, all bytes that come are header bytes.
    """

    factory: "_ConnectionGuards"
    transport: Any
    _exchanges = 0
    _in_headers = False
    _header_bytes = 0
    _gave_up = False
    _closing: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Begin."""
        self.factory.transport.opened(self)

    def writeSequence(self, data: Any) -> None:
        """Send the head of a request."""
        self._exchanges += 1
        self._in_headers = True
        self._header_bytes = 0
        self.transport.writeSequence(data)

    def pauseProducing(self) -> None:
        """Stop reading: the headers are over."""
        self._in_headers = False
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on: the headers are over."""
        self._in_headers = False
        self.transport.resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        """Count what may be headers."""
        self._header_bytes += len(data)
        self.wrappedProtocol.dataReceived(data)
        if self._in_headers and self._header_bytes > HEADERS_LIMIT:
            self._gave_up = True
            self.transport.abortConnection()

    def loseConnection(self) -> None:
        """Close, even if the other side does not do its part."""
        self._gave_up = self._gave_up or self._in_headers
        self.transport.loseConnection()
        if self._closing is None and self.wrappedProtocol is not None:
            self._closing = self.factory.clock.callLater(CLOSE_SECONDS, self._insist)

    def _insist(self) -> None:
        self._closing = None
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say more exactly why."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._gave_up:
            reason = Failure(HeadersTooLong())
        elif self._in_headers and self._header_bytes == 0 and self._exchanges > 1:
            reason = Failure(StaleConnection())
        self.factory.transport.lost(self)
        super().connectionLost(reason)


class _ConnectionGuards(WrappingFactory):
    protocol = _ConnectionGuard
    noisy = False

    def __init__(self, factory: Any, clock: IReactorTime, transport: Transport) -> None:
        super().__init__(factory)
        factory.noisy = False
        self.clock = clock
        self.transport = transport
