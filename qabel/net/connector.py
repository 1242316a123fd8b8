"""Connections to other hosts: names looked up, addresses admitted or not, TLS, one time limit."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address as IPv4
from typing import Any, TypeAlias

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.web.client import URI, BrowserLikePolicyForHTTPS, HostnameCachingHTTPSPolicy
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from qabel.net.address_policy import IPAddress
from qabel.net.errors import ConnectFailed, DropServerError, TimedOut
from qabel.net.name_lookup import NameLookup

AddressFilter: TypeAlias = Callable[[IPAddress], bool]

TLS_CONTEXTS = 64
"""How many hosts' TLS settings are kept: making one reads all the certificates of the system."""


class Connector:
    """Opens connections. ``trust_root`` takes the place of the system's certificates, for tests."""

    def __init__(
        self,
        reactor: Any,
        clock: Any,
        names: NameLookup,
        *,
        time_limit: float,
        trust_root: object = None,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._names = names
        self._time_limit = time_limit
        self._tls: IPolicyForHTTPS = HostnameCachingHTTPSPolicy(
            BrowserLikePolicyForHTTPS(trustRoot=trust_root), cacheSize=TLS_CONTEXTS
        )

    def connect(
        self,
        uri: URI,
        factory: IProtocolFactory,
        admits: AddressFilter,
        refusal: Callable[[str], DropServerError],
    ) -> "Deferred[Any]":
        """Connect to the URI's host, at an address that ``admits`` lets pass.

        The addresses that are judged are the very ones that are connected to. Fails with one of
        DropServerError; with ``refusal(host)`` if the host has only other addresses.
        """
        host = uri.netloc.decode("ascii")
        connecting = Deferred.fromCoroutine(self._connect(uri, host, factory, admits, refusal))
        return connecting.addTimeout(
            self._time_limit, self._clock, lambda result, _: _took_too_long(host)
        )

    async def _connect(
        self,
        uri: URI,
        host: str,
        factory: IProtocolFactory,
        admits: AddressFilter,
        refusal: Callable[[str], DropServerError],
    ) -> IProtocol:
        name = uri.host.decode("ascii")
        try:
            found = await self._names.find(name)
        except OSError:
            raise ConnectFailed(f"The host name in {host} could not be looked up.") from None
        admitted = [each for each in found if admits(each)]
        if not admitted:
            raise refusal(host)
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            _ResolvedReactor(self._reactor, admitted), str(admitted[0]), uri.port, self._time_limit
        )
        if uri.scheme == b"https":
            try:
                creator = self._tls.creatorForNetloc(uri.host, uri.port)
            except ValueError:
                raise ConnectFailed(f"The host name in {host} cannot be used with TLS.") from None
            endpoint = wrapClientTLS(creator, endpoint)
        try:
            return await endpoint.connect(factory)
        except ConnectingCancelledError:
            raise CancelledError from None
        except ConnectError as error:
            self._names.forget(name)
            reason = (type(error).__doc__ or "").strip().rstrip(".").lower()
            raise ConnectFailed(f"Connecting to {host} failed: {reason}.") from None


def _took_too_long(host: str) -> Any:
    raise TimedOut(f"Connecting to {host} took too long.")


@implementer(IReactorPluggableNameResolver, IHostnameResolver, IHostResolution)
class _ResolvedReactor:
    """The part of a reactor that HostnameEndpoint needs, with the name looked up already."""

    name = ""

    def __init__(self, reactor: Any, addresses: Sequence[IPAddress]) -> None:
        self.nameResolver = self
        self.connectTCP = reactor.connectTCP
        self.callLater = reactor.callLater
        self.seconds = reactor.seconds
        self._addresses = addresses

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Never change the addresses that were admitted."""
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: object = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Give the addresses that were admitted, whatever is asked."""
        resolutionReceiver.resolutionBegan(self)
        for each in self._addresses:
            made = IPv4Address if isinstance(each, IPv4) else IPv6Address
            resolutionReceiver.addressResolved(made("TCP", str(each), portNumber))
        resolutionReceiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """There is nothing to cancel: the answer was given at once."""


@implementer(IAgentEndpointFactory)
class EndpointFactory:
    """Makes the endpoints of one agent: all its connections are admitted by the same rule."""

    def __init__(
        self,
        connector: Connector,
        admits: AddressFilter,
        refusal: Callable[[str], DropServerError],
        wrap: Callable[[IProtocolFactory], IProtocolFactory] | None = None,
    ) -> None:
        self._connector = connector
        self._admits = admits
        self._refusal = refusal
        self._wrap = wrap

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Make an endpoint, at no cost: most requests use a connection that is there already."""
        return _Endpoint(self, uri)

    def connect(self, uri: URI, factory: IProtocolFactory) -> "Deferred[Any]":
        """Connect to the URI's host."""
        if self._wrap is None:
            return self._connector.connect(uri, factory, self._admits, self._refusal)
        wrapped = self._wrap(factory)
        connecting = self._connector.connect(uri, wrapped, self._admits, self._refusal)
        return connecting.addCallback(lambda protocol: protocol.wrappedProtocol)


@implementer(IStreamClientEndpoint)
class _Endpoint:
    __slots__ = ("_factory", "_uri")

    def __init__(self, endpoints: EndpointFactory, uri: URI) -> None:
        self._factory = endpoints
        self._uri = uri

    def __repr__(self) -> str:
        return f"<endpoint {self._uri.netloc.decode('ascii', 'replace')}>"

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[Any]":  # noqa: N803
        """Connect to the host, whatever the endpoints lets pass."""
        return self._factory.connect(self._uri, protocolFactory)
