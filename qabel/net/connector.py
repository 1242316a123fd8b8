"""Connects to hosts, directly or through the proxy, with TLS: nothing else opens connections."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from qabel.net.addresses import IPAddress
from qabel.net.dialer import Dialer, DialFailed
from qabel.net.errors import ConnectFailed, TimedOut
from qabel.net.isolation import IsolationKey
from qabel.net.link import Link
from qabel.net.name_lookup import NameLookup
from qabel.net.proxy import Proxy
from qabel.net.proxy_connector import ProxyConnector
from qabel.net.route import AddressError, AddressFilter, Direct, ViaProxy, find_route
from qabel.net.tls_client import TLSClient, verified


@attrs.define(eq=False, repr=False)
class Connector:
    """Opens connections.

    When another proxy is set, or none, all connections are closed at once, and those that are
    being opened are given up.

    Args:
        reactor: opens the sockets.
        clock: measures the time limit.
        names: resolves host names; not asked for those of servers if there is a proxy.
        proxy: says whether there is one.
        time_limit: seconds for resolving the name and connecting, without a proxy.
        trust_root: replaces the system's certificates, for tests.

    """

    _reactor: Any
    _clock: IReactorTime
    _names: NameLookup
    _proxy: Proxy = attrs.field(factory=Proxy)
    _time_limit: float = attrs.field(kw_only=True)
    _trust_root: object = attrs.field(default=None, kw_only=True)
    _tls: TLSClient = attrs.field(init=False)
    _dialer: Dialer = attrs.field(init=False)
    _through_proxy: ProxyConnector = attrs.field(init=False)
    _connecting: set[Deferred[Any]] = attrs.field(factory=set, init=False)
    _open: set[Link] = attrs.field(factory=set, init=False)
    _changes: int = attrs.field(default=0, init=False)
    """How often the proxy was changed."""

    def __attrs_post_init__(self) -> None:
        self._tls = TLSClient(self._reactor, self._trust_root)
        self._dialer = Dialer(self._reactor, self._open)
        self._through_proxy = ProxyConnector(
            self._proxy, self._dialer, self._names, self._clock, self._open
        )
        self._proxy.on_change(self._start_anew)

    def connect(
        self,
        uri: URI,
        factory: IProtocolFactory,
        allows: AddressFilter,
        not_allowed: AddressError,
        key: IsolationKey,
    ) -> "Deferred[Any]":
        """Connect to the host of a URI, at an address that ``allows`` accepts.

        Without a proxy, the addresses that are checked are the very ones that are connected to.
        Fails with DropServerError; with ``not_allowed(host)`` if the host has no allowed address.

        Args:
            uri: has the scheme, the host and the port.
            factory: makes the protocol that uses the connection.
            allows: which addresses may be connected to.
            not_allowed: makes the error for a host that has none of them.
            key: what the connection is for: a proxy gets another user name for another key.

        """
        host, changes = uri.netloc.decode("ascii"), self._changes
        connecting = Deferred.fromCoroutine(self._connect(uri, factory, allows, not_allowed, key))
        self._connecting.add(connecting)

        def ended(result: Any) -> Any:
            self._connecting.discard(connecting)
            if changes != self._changes and _is_cancelled(result):
                raise ConnectFailed(f"Connecting to {host} was given up: the proxy has changed.")
            return result

        return connecting.addBoth(ended)

    async def _connect(
        self,
        uri: URI,
        factory: IProtocolFactory,
        allows: AddressFilter,
        not_allowed: AddressError,
        key: IsolationKey,
    ) -> IProtocol:
        host, name = uri.netloc.decode("ascii"), uri.host.decode("ascii")
        route = find_route(name, allows, has_proxy=self._proxy.url is not None)
        if route is None:
            raise not_allowed(host)
        if isinstance(route, ViaProxy):
            wrapped = self._with_tls(uri, factory)
            return await self._through_proxy.connect(host, uri.port, route.target, wrapped, key)

        async def connect() -> IProtocol:
            if isinstance(route, Direct):
                addresses = route.addresses
            else:
                addresses = [each for each in await self._resolve(name) if allows(each)]
            if not addresses:
                raise not_allowed(host)
            return await self._connect_directly(uri, factory, addresses)

        def time_out(*_: object) -> Any:
            raise TimedOut(f"Connecting to {host} timed out after {self._time_limit:g} seconds.")

        connecting = Deferred.fromCoroutine(connect())
        return await connecting.addTimeout(self._time_limit, self._clock, time_out)

    async def _resolve(self, name: str) -> Sequence[IPAddress]:
        try:
            return await self._names.find(name)
        except OSError:
            raise ConnectFailed(f"Could not resolve host name {name}.") from None

    async def _connect_directly(
        self, uri: URI, factory: IProtocolFactory, addresses: Sequence[IPAddress]
    ) -> IProtocol:
        try:
            wrapped = self._with_tls(uri, factory)
            made = await self._dialer.dial(addresses, uri.port, wrapped, self._time_limit)
        except DialFailed as failed:
            self._names.forget(uri.host.decode("ascii"))
            host = uri.netloc.decode("ascii")
            raise ConnectFailed(f"Could not connect to {host}: {failed.reason}.") from None
        return await verified(made)

    def _with_tls(self, uri: URI, factory: IProtocolFactory) -> IProtocolFactory:
        """Add TLS if the URI wants it; no protocol of ``factory`` is made before it is verified."""
        if uri.scheme != b"https":
            return factory
        server = f"The server at {uri.netloc.decode('ascii')}"
        wrapped: IProtocolFactory = self._tls.wrap(uri.host.decode("ascii"), server, factory)
        return wrapped

    def _start_anew(self) -> None:
        """Close all connections, before anything else can be sent over them."""
        self._changes += 1
        for each in list(self._connecting):
            each.cancel()
        for link in list(self._open):
            link.abort()


def _is_cancelled(result: object) -> bool:
    return isinstance(result, Failure) and result.check(CancelledError) is not None


@implementer(IAgentEndpointFactory)
@attrs.frozen(eq=False, repr=False)
class EndpointFactory:
    """Makes the endpoints of an Agent; all its connections obey the same address filter.

    ``wrap`` wraps the protocol factory of each connection in a ``WrappingFactory``; ``key`` is what
    the connections are for.
    """

    _connector: Connector
    _allows: AddressFilter
    _not_allowed: AddressError
    _key: IsolationKey
    _wrap: Callable[[IProtocolFactory], IProtocolFactory]

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Return an endpoint. It costs nothing, as most requests use a kept connection."""
        return _Endpoint(self, uri)

    def connect(self, uri: URI, factory: IProtocolFactory) -> "Deferred[Any]":
        """Connect to the host of a URI."""
        connecting = self._connector.connect(
            uri, self._wrap(factory), self._allows, self._not_allowed, self._key
        )
        return connecting.addCallback(lambda protocol: protocol.wrappedProtocol)


@implementer(IStreamClientEndpoint)
@attrs.frozen(eq=False, repr=False)
class _Endpoint:
    _factory: EndpointFactory
    _uri: URI

    def __repr__(self) -> str:
        return f"<endpoint {self._uri.netloc.decode('ascii', 'replace')}>"

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[Any]":  # noqa: N803
        """Connect to the host."""
        return self._factory.connect(self._uri, protocolFactory)
