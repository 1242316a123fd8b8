"""Connects to servers through the SOCKS5 proxy, and notes how the proxy does."""

from collections.abc import Collection
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IReactorTime

from qabel.net.circuits import CircuitQueue
from qabel.net.dialer import Dialer, DialFailed
from qabel.net.errors import ConnectFailed, ProxyFailed, TimedOut
from qabel.net.exchange_limits import current_watchdog
from qabel.net.isolation import IsolationKey
from qabel.net.link import Link
from qabel.net.name_lookup import NameLookup
from qabel.net.proxy import CONNECT_SECONDS, Proxy
from qabel.net.socks5 import Blame, Socks5Client, Socks5Failed, Target
from qabel.net.tls_client import verified


@attrs.define(eq=False, repr=False)
class ProxyConnector:
    """Asks the proxy for connections, few at once.

    Args:
        proxy: the proxy, which must be there when a connection is asked for.
        dialer: connects to the proxy.
        names: resolves the name of the proxy, if it has one, and no other.
        clock: measures the time limit.
        open_links: the links of all open connections.

    """

    _proxy: Proxy
    _dialer: Dialer
    _names: NameLookup
    _clock: IReactorTime
    _open_links: Collection[Link]
    _circuits: CircuitQueue = attrs.field(factory=CircuitQueue, init=False)

    async def connect(
        self,
        host: str,
        port: int,
        target: Target,
        factory: IProtocolFactory,
        key: IsolationKey,
    ) -> IProtocol:
        """Connect to a server. Meanwhile the time of the exchange that it is for does not count.

        Args:
            host: what errors call the server: host and port.
            port: the port of the server.
            target: its address or name.
            factory: makes the protocol that uses the connection, with TLS around it if need be.
            key: what the connection is for: it has a user name of its own.

        Raises:
            ProxyFailed: the proxy is to blame.
            ConnectFailed: the proxy cannot connect to the server, or that is not verified.
            TimedOut: it took too long.

        """
        watchdog = current_watchdog()
        if watchdog is not None:
            watchdog.pause()
        try:
            await self._circuits.acquire(host)
            socks = Socks5Client(target, port, self._proxy.credentials(key))
            opening = Deferred.fromCoroutine(self._open(host, factory, socks))

            def time_out(*_: object) -> Any:
                raise self._timed_out(host, socks)

            return await opening.addTimeout(CONNECT_SECONDS, self._clock, time_out)
        finally:
            if watchdog is not None:
                watchdog.resume()

    async def _open(self, host: str, factory: IProtocolFactory, socks: Socks5Client) -> IProtocol:
        try:
            made = await self._ask(factory, socks)
        except Socks5Failed as failed:
            raise self._translate(failed, host, socks) from None
        finally:
            self._circuits.release(host)
        self._proxy.works(authenticated=socks.is_authenticated)
        return await verified(made)

    async def _ask(self, factory: IProtocolFactory, socks: Socks5Client) -> IProtocol:
        url = self._proxy.url
        assert url is not None  # noqa: S101 - a change would have cancelled this
        try:
            addresses = await self._dialer.addresses_of_proxy(url.host, self._names)
            return await self._dialer.dial(addresses, url.port, factory, CONNECT_SECONDS, socks)
        except DialFailed as failed:
            self._names.forget(url.host)
            raise Socks5Failed(failed.predicate) from None

    def _translate(self, failed: Socks5Failed, host: str, socks: Socks5Client) -> ConnectFailed:
        """Return the error for a failure, and note whether it is the proxy's as a whole."""
        if failed.blame is Blame.SERVER:
            self._proxy.works(authenticated=socks.is_authenticated)
            return ConnectFailed(f"Could not connect to {host} through the proxy: {failed.detail}.")
        if failed.blame is Blame.UNKNOWN and any(each.is_proxied for each in self._open_links):
            # It works for others, so it is not the proxy as a whole.
            return ProxyFailed(f"The proxy {failed.detail}: {host}.")
        return self._proxy_failed(failed.detail)

    def _timed_out(self, host: str, socks: Socks5Client) -> ConnectFailed | TimedOut:
        if not socks.is_greeted:
            return self._proxy_failed(f"did not respond within {CONNECT_SECONDS:g} seconds")
        return TimedOut(
            f"Connecting to {host} through the proxy timed out after {CONNECT_SECONDS:g} seconds."
        )

    def _proxy_failed(self, predicate: str) -> ProxyFailed:
        address = "" if self._proxy.url is None else self._proxy.url.address
        failed = ProxyFailed(f"The proxy at {address} {predicate}.")
        self._proxy.failed(failed.detail)
        return failed
