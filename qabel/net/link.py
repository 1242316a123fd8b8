"""The lowest layer of every connection: asks a proxy for the way to the server, if there is one."""

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from qabel.net.socks5 import Socks5Client, Socks5Failed

READ_BYTES = 16384
"""Bytes that are read from a connection in one turn of the reactor, so that no server can make a
turn long, however many chunks, frames, records or parts it puts into them."""


@attrs.define(eq=False, slots=False, repr=False)
class Link(Protocol):
    """Makes the protocol that uses the connection, once there is one to the server itself.

    ``ready`` fires with that protocol, or fails with Socks5Failed. Cancelling it closes the
    connection.

    Args:
        factory: makes that protocol.
        socks: asks the proxy; None if the connection leads to the server.
        open_links: has the link in it while the connection is open.

    """

    _factory: IProtocolFactory
    _socks: Socks5Client | None
    _open_links: "set[Link]"
    _address: Any = None
    ready: Deferred[IProtocol] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: Deferred(lambda _: self.abort()), takes_self=True),
    )
    _inner: IProtocol | None = attrs.field(default=None, init=False)

    @property
    def is_proxied(self) -> bool:
        """Whether it leads to a server through a proxy, and not only to the proxy."""
        return self._socks is not None and self._socks.is_connected

    def connectionMade(self) -> None:
        """Ask the proxy, or hand the connection over."""
        self.transport.bufferSize = READ_BYTES  # type: ignore[union-attr]
        self._open_links.add(self)
        if self._socks is None:
            self._hand_over(b"")
            return
        try:
            self.transport.write(self._socks.greeting)  # type: ignore[union-attr]
        except Socks5Failed as failed:
            self._fail(failed)

    def dataReceived(self, data: bytes) -> None:
        """Pass bytes of the server on; what comes before is the proxy's."""
        if self._inner is not None:
            self._inner.dataReceived(data)
        elif not self.ready.called and self._socks is not None:
            self._ask(self._socks, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the end on."""
        self._open_links.discard(self)
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.ready.called:
            self.ready.errback(Socks5Failed("closed the connection"))

    def abort(self) -> None:
        """Close the connection immediately."""
        self.transport.abortConnection()  # type: ignore[union-attr]

    def _ask(self, socks: Socks5Client, data: bytes) -> None:
        try:
            sent = socks.feed(data)
        except Socks5Failed as failed:
            self._fail(failed)
            return
        if sent:
            self.transport.write(sent)  # type: ignore[union-attr]
        if socks.is_connected:
            self._hand_over(socks.rest)

    def _hand_over(self, rest: bytes) -> None:
        inner = self._factory.buildProtocol(self._address)
        assert inner is not None  # noqa: S101 - our factories always make one
        self._inner = inner
        inner.makeConnection(self.transport)  # type: ignore[arg-type]
        self.ready.callback(inner)
        if rest:
            inner.dataReceived(rest)

    def _fail(self, failed: Socks5Failed) -> None:
        self.ready.errback(failed)
        self.abort()


@attrs.define(eq=False, slots=False, repr=False)
class LinkFactory(Factory):
    """Makes the links of one attempt to connect; their arguments are those of ``Link``."""

    noisy = False

    _factory: IProtocolFactory
    _socks: Socks5Client | None
    _open_links: set[Link]

    def buildProtocol(self, addr: IAddress | None) -> Link:
        """Make a link."""
        return Link(self._factory, self._socks, self._open_links, addr)
