"""Connects to hosts: resolves names, filters addresses, adds TLS, all within one time limit."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address as IPv4
from typing import Any, TypeAlias, cast

import attrs
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IReactorTime,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from qabel.net.addresses import IPAddress
from qabel.net.errors import ConnectFailed, DropServerError, TimedOut
from qabel.net.isolation import IsolationKey
from qabel.net.name_lookup import NameLookup
from qabel.net.tls_client import TLSClient, TLSHandshake

AddressFilter: TypeAlias = Callable[[IPAddress], bool]
"""Returns whether an address may be connected to."""

AddressError: TypeAlias = Callable[[str], DropServerError]
"""Makes the error for a host, given as ``host:port``, that has no allowed address."""


READ_BYTES = 16384
"""Bytes that are read from a connection in one turn of the reactor, so that no server can make a
turn long, however many chunks, frames, records or parts it puts into them."""


@attrs.define(eq=False, repr=False)
class Connector:
    """Opens connections.

    Args:
        reactor: opens the sockets.
        clock: measures the time limit.
        names: resolves host names.
        time_limit: seconds for resolving the name and connecting.
        trust_root: replaces the system's certificates, for tests.

    """

    _reactor: Any
    _clock: IReactorTime
    _names: NameLookup
    _time_limit: float = attrs.field(kw_only=True)
    _trust_root: object = attrs.field(default=None, kw_only=True)
    _tls: TLSClient = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tls = TLSClient(self._reactor, self._trust_root)

    def connect(
        self,
        uri: URI,
        factory: IProtocolFactory,
        allows: AddressFilter,
        not_allowed: AddressError,
        key: IsolationKey,
    ) -> "Deferred[Any]":
        """Connect to the host of a URI, at an address that ``allows`` accepts.

        The addresses that are checked are the very ones that are connected to. Fails with
        DropServerError; with ``not_allowed(host)`` if the host has no allowed address.
        ``key`` says what the connection must not be joined with on its way.
        """
        host = uri.netloc.decode("ascii")
        connecting = Deferred.fromCoroutine(self._connect(uri, factory, allows, not_allowed))

        def time_out(*_: object) -> Any:
            raise TimedOut(f"Connecting to {host} timed out after {self._time_limit:g} seconds.")

        return connecting.addTimeout(self._time_limit, self._clock, time_out)

    async def _connect(
        self,
        uri: URI,
        factory: IProtocolFactory,
        allows: AddressFilter,
        not_allowed: AddressError,
    ) -> IProtocol:
        host = uri.netloc.decode("ascii")
        addresses = [each for each in await self._resolve(uri) if allows(each)]
        if not addresses:
            raise not_allowed(host)
        endpoint = self._endpoint(uri, addresses)
        try:
            if uri.scheme == b"https":
                return await self._connect_tls(uri, endpoint, factory)
            connected: Any = await endpoint.connect(factory)
            connected.transport.bufferSize = READ_BYTES
            return cast("IProtocol", connected)
        except ConnectingCancelledError:
            raise CancelledError from None
        except ConnectError as error:
            self._names.forget(uri.host.decode("ascii"))
            reason = (type(error).__doc__ or "").strip().rstrip(".").lower()
            raise ConnectFailed(f"Could not connect to {host}: {reason}.") from None

    async def _resolve(self, uri: URI) -> Sequence[IPAddress]:
        name = uri.host.decode("ascii")
        try:
            return await self._names.find(name)
        except OSError:
            raise ConnectFailed(f"Could not resolve host name {name}.") from None

    async def _connect_tls(
        self, uri: URI, endpoint: IStreamClientEndpoint, factory: IProtocolFactory
    ) -> IProtocol:
        """Connect and make no protocol of ``factory`` before the server is verified."""
        name = uri.host.decode("ascii")
        server = f"The server at {uri.netloc.decode('ascii')}"
        connected: Any = await endpoint.connect(self._tls.wrap(name, server, factory))
        connected.transport.bufferSize = READ_BYTES
        handshake: TLSHandshake = connected.wrappedProtocol
        return await handshake.verified

    def _endpoint(self, uri: URI, addresses: Sequence[IPAddress]) -> IStreamClientEndpoint:
        return HostnameEndpoint(
            _ResolvedReactor(self._reactor, addresses),
            str(addresses[0]),
            uri.port,
            self._time_limit,
        )


@implementer(IReactorPluggableNameResolver, IHostnameResolver, IHostResolution)
class _ResolvedReactor:
    """The part of a reactor that HostnameEndpoint needs, with the name resolved already."""

    name = ""

    def __init__(self, reactor: Any, addresses: Sequence[IPAddress]) -> None:
        self.nameResolver = self
        self.connectTCP = reactor.connectTCP
        self.callLater = reactor.callLater
        self.seconds = reactor.seconds
        self._addresses = addresses

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Refuse: the addresses are fixed."""
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: object = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Resolve any name to the addresses that were allowed."""
        resolutionReceiver.resolutionBegan(self)
        for each in self._addresses:
            made = IPv4Address if isinstance(each, IPv4) else IPv6Address
            resolutionReceiver.addressResolved(made("TCP", str(each), portNumber))
        resolutionReceiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """Do nothing: the resolution is complete already."""


@implementer(IAgentEndpointFactory)
@attrs.frozen(eq=False, repr=False)
class EndpointFactory:
    """Makes the endpoints of an Agent; all its connections obey the same address filter.

    They have the same isolation key, too.
    ``wrap`` wraps the protocol factory of each connection in a ``WrappingFactory``.
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
