"""New drops: on the first active drop server, of their own or shared with others by chance."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import Conflict
from qabel.crypto import PublicKey
from qabel.drop.url import DROP_ID_BITS, DropURL
from qabel.net.errors import DropServerError
from qabel.settings.synced import SyncedSettings

PATIENCE = 5.0
"""Seconds in which a server has to say how many bits it asks for."""

PROXY_PATIENCE = 10.0
"""The same through a proxy, which may have to build a circuit first."""


class AskedNetwork(Protocol):
    """The part of the network that is needed: ``qabel.core.network.Network``."""

    def drop_id_bits(self, server: str, owner: bytes) -> Awaitable[int]:
        """Ask a server how many random bits new drop ids are to have. Raises DropServerError."""


@frozen
class NewDrop:
    """A drop that is to be created."""

    server: str
    """The URL of the server that was asked, in normal form."""
    bits: int
    """Random bits of its id there."""

    def create(self, synced: SyncedSettings) -> DropURL:
        """Return the URL of a new drop, given the settings by now.

        If it is to be on another server after all, which was not asked, nobody shares it. Raises
        Conflict if there is no active server.
        """
        server = _first_server(synced)
        return DropURL.on_server(server, bits=self.bits if server == self.server else DROP_ID_BITS)


@frozen(eq=False, kw_only=True)
class NewDrops:
    """Decides what new drops are like.

    Args:
        synced: returns the synced settings.
        are_shared: returns whether drops are to be shared, if their server wants that.
        network: asks servers.
        clock: measures how long they take.
        has_proxy: returns whether they are asked through a proxy.

    """

    _synced: Callable[[], SyncedSettings]
    _are_shared: Callable[[], bool]
    _network: AskedNetwork = field(repr=False)
    _clock: IReactorTime
    _has_proxy: Callable[[], bool] = lambda: False

    _log = Logger()

    async def plan(self, owner: PublicKey) -> NewDrop:
        """Return what the drop of a new identity is to be like.

        If its server does not say it in time, nobody shares the drop; nothing else depends on the
        server. Raises Conflict if there is no active server.
        """
        server = _first_server(self._synced())
        if not self._are_shared():
            return NewDrop(server, DROP_ID_BITS)
        return NewDrop(server, await self._ask(server, owner))

    async def _ask(self, server: str, owner: PublicKey) -> int:
        patience = PROXY_PATIENCE if self._has_proxy() else PATIENCE

        async def asked() -> int:
            return await self._network.drop_id_bits(server, owner.raw)

        try:
            return await Deferred.fromCoroutine(asked()).addTimeout(patience, self._clock)
        except DropServerError as error:
            reason = error.detail
        except DeferredTimeout:
            reason = f"{server} did not respond within {patience:.0f} s."
        self._log.warn(
            "A new drop is not shared, although privacy.shared_drops is on: {reason}",
            reason=reason,
        )
        return DROP_ID_BITS


def _first_server(synced: SyncedSettings) -> str:
    servers = synced.active_drop_servers
    if not servers:
        raise Conflict(
            "No active drop server to create a drop on. Add one: `qabel server add URL` "
            "(drop_servers in /synced), or pass the identity's drops."
        )
    return servers[0].server
