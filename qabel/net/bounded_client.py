"""What all HTTP clients of this package are made of: one connector, and bounded exchanges."""

from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from qabel.net.connector import Connector
from qabel.net.exchange_limits import ExchangeLimits
from qabel.net.exchanges import Exchanges
from qabel.net.http_transport import Transport
from qabel.net.isolation import IsolationKey
from qabel.net.name_lookup import NameLookup
from qabel.net.proxy import Proxy
from qabel.net.route import AddressError, AddressFilter


@attrs.define(eq=False, repr=False)
class BoundedClient:
    """A client whose connections and exchanges are limited.

    Args:
        reactor: opens the connections.
        limits: of each call.
        clock: measures the limits; the reactor if not given.
        names: resolves host names.
        proxy: says whether there is a proxy, which all connections go through.
        trust_root: replaces the system's certificates, for tests.

    """

    _reactor: Any
    _limits: ExchangeLimits = attrs.field(factory=ExchangeLimits, kw_only=True)
    _clock: IReactorTime = attrs.field(
        default=attrs.Factory(lambda self: self._reactor, takes_self=True), kw_only=True
    )
    _names: NameLookup = attrs.field(
        default=attrs.Factory(lambda self: NameLookup(self._reactor, self._clock), takes_self=True),
        kw_only=True,
    )
    _proxy: Proxy = attrs.field(factory=Proxy, kw_only=True)
    _trust_root: object = attrs.field(default=None, kw_only=True)
    connector: Connector = attrs.field(init=False)
    _exchanges: Exchanges = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.connector = Connector(
            self._reactor,
            self._clock,
            self._names,
            self._proxy,
            time_limit=self._limits.connect,
            trust_root=self._trust_root,
        )
        self._exchanges = Exchanges(self._clock, self._limits)

    async def close(self) -> None:
        """Cancel all calls and close all connections."""
        await self._exchanges.close()

    def _transport(
        self, allows: AddressFilter, not_allowed: AddressError, key: IsolationKey
    ) -> Transport:
        """Return a transport to the addresses that a filter accepts; it is closed by the caller."""
        return Transport(self._clock, self.connector, allows, not_allowed, key)
