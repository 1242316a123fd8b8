"""Drop servers: the list of those on which new drops are created, and tests of any."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from attrs import evolve, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from qabel.contract.access import EVERYTHING, Access
from qabel.contract.types import Id, Seconds, Url, View
from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.server_probe import Found, Probe, ProbedNetwork, ServerCheckView, ServerProbe
from qabel.core.settings import SettingsDocument
from qabel.drop.url import DropURL, parse_server_url
from qabel.forms.errors import InvalidInput
from qabel.net.group_tokens import GroupTokens
from qabel.settings.items import DropServer
from qabel.settings.synced import SYNCED, SyncedSettings

TEST_TIME = 10.0
"""Seconds that each exchange of a test takes at most."""

PROXY_TEST_TIME = 75.0
"""The same through a proxy, which has a minute to build a circuit."""

BLIND_TEST_TIME = 5.0
"""Seconds that a test takes whose result must not say why it failed, unless it succeeds."""


class DropServerView(View):
    """A drop server, without the token of the closed group that it is for.

    New drops are created on the one that is ``preferred``: the first active one. ``has_auth`` says
    whether a token is set.
    """

    id: Id
    url: Url
    active: bool
    preferred: bool
    has_auth: bool
    created: Seconds
    updated: Seconds


class ServerTestView(View):
    """The result of a test: whether a drop server at the URL works, and what was found.

    ``checks`` are what was tried after a drop server had responded; those of ``cursor`` and
    ``push`` need not be good.
    """

    url: Url
    ok: bool
    found: Found
    detail: str
    checks: list[ServerCheckView]


class TrustedServers(Protocol):
    """The servers that may have any address, and use http."""

    urls: frozenset[str]
    """Those in the settings, in normal form."""
    tested: set[str]
    """Those that are being tested by somebody who may add any."""


@frozen(kw_only=True)
class Servers:
    """The drop servers in the synced settings.

    With an access other than the owner's or an admin's it does not tell apart what is at a private
    address: whoever may only configure servers is not to explore the local network.
    """

    _synced: SettingsDocument[SyncedSettings]
    _network: ProbedNetwork
    _trusted: TrustedServers
    _clock: IReactorTime
    _group_tokens: GroupTokens = field(factory=GroupTokens)
    _access: Access = EVERYTHING
    _has_proxy: Callable[[], bool] = lambda: False

    def seen_by(self, access: Access) -> "Servers":
        """Return the view of a caller."""
        return evolve(self, access=access)

    def all(self) -> list[DropServerView]:
        """Return all servers, the preferred one before the other active ones."""
        active = self._synced.value.active_drop_servers
        living = [each for each in self._synced.value.drop_servers if each.living]
        return [_view(each, is_preferred=each in active[:1]) for each in living]

    def get(self, server_id: int) -> DropServerView:
        """Return one server. Raises NotFound."""
        for each in self.all():
            if each.id == server_id:
                return each
        raise NotFound(f"No drop server {server_id}.")

    async def add(self, url: str, auth: str = "", *, active: bool = True) -> DropServerView:
        """Add a server.

        Args:
            url: its URL, without a drop id.
            auth: the token of the closed group that it is for; "" for none.
            active: whether new drops may be created on it.

        Raises:
            Invalid: the URL is not valid.
            Conflict: the server is in the list already.

        """
        added: list[DropServer] = []
        item = {"url": url, "auth": auth, "active": active}

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            new, made = SYNCED.with_item(old, "drop_servers", item, now=now)
            added[:] = [made]
            _check_unique(new, made)
            return new

        await self._change(make)
        return self.get(added[0].id)

    async def change(self, server_id: int, changes: Mapping[str, Any]) -> DropServerView:
        """Change a server's ``url``, ``auth`` or ``active``; the arguments of ``add``.

        A token is for one server: with another URL, it goes unless another one is given.
        Raises NotFound, Invalid or Conflict.
        """
        before = self._find(server_id)
        new_url = changes.get("url")
        if new_url is not None and new_url != before.url:
            changes = {"auth": "", **changes}

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            new = SYNCED.with_changed_item(old, "drop_servers", server_id, changes, now=now)
            _check_unique(new, next(each for each in new.drop_servers if each.id == server_id))
            return new

        await self._change(make)
        return self.get(server_id)

    async def delete(self, server_id: int) -> None:
        """Delete a server. Drops on it are still read. Raises NotFound."""
        self._find(server_id)
        await self._change(
            lambda old, now: SYNCED.with_deleted_item(old, "drop_servers", server_id, now=now)
        )

    async def prefer(self, server_id: int) -> DropServerView:
        """Create new drops on this server from now on. Raises NotFound, or Conflict if inactive."""
        if not self._find(server_id).active:
            raise Conflict(f"Drop server {server_id} is not active; activate it first.")

        def make(old: SyncedSettings, now: int) -> SyncedSettings:
            first = [each for each in old.drop_servers if each.id == server_id]
            others = [each for each in old.drop_servers if each.id != server_id]
            return evolve(old, drop_servers=(*first, *others))

        await self._change(make)
        return self.get(server_id)

    async def test(self, url: str, auth: str | None = None) -> ServerTestView:
        """Try a server: read a new drop, post a message to it, read it, and open a push connection.

        With an access that must not be told why the test failed, a drop is only read.

        Args:
            url: its URL, in the settings or not. Only admins can test a server that is at a
                private address, or uses http, before it is in the settings.
            auth: a token to try, "" for none; None for the one that is set.

        Raises:
            Invalid: the URL is not that of a drop server.

        """
        server = parse_server_url(url)
        drop = DropURL.on_server(url)
        with self._group_tokens.trying(drop, auth):
            return await self._test(server, drop)

    async def _test(self, server: str, drop: DropURL) -> ServerTestView:
        if self._access.is_admin:
            with self._trust(server):
                return _test_view(server, await self._probe(self._patience()).run(drop))
        if server not in self._trusted.urls:
            return _test_view(server, await self._probe(self._patience()).run(drop))
        began = self._clock.seconds()
        patience = self._patience(is_blind=True)
        probe = await self._probe(patience).read(drop)
        if not probe.ok:
            await deferLater(self._clock, max(0, began + patience - self._clock.seconds()))
            detail = "No drop server responded. A token with the scope admin is told why."
            probe = Probe(False, "unknown", detail)
        return _test_view(server, probe)

    def _probe(self, patience: float) -> ServerProbe:
        return ServerProbe(self._network, self._clock, patience)

    def _patience(self, *, is_blind: bool = False) -> float:
        if self._has_proxy():
            return PROXY_TEST_TIME
        return BLIND_TEST_TIME if is_blind else TEST_TIME

    @contextmanager
    def _trust(self, server: str) -> Iterator[None]:
        is_first = server not in self._trusted.tested
        self._trusted.tested.add(server)
        try:
            yield
        finally:
            if is_first:
                self._trusted.tested.discard(server)

    def _find(self, server_id: int) -> DropServer:
        for each in self._synced.value.drop_servers:
            if each.living and each.id == server_id:
                return each
        raise NotFound(f"No drop server {server_id}.")

    async def _change(self, make: Callable[[SyncedSettings, int], SyncedSettings]) -> None:
        try:
            await self._synced.change(make)
        except InvalidInput as error:
            raise Invalid("Some values are not valid.", error.errors) from None


def _test_view(server: str, probe: Probe) -> ServerTestView:
    return ServerTestView(server, probe.ok, probe.found, probe.detail, probe.checks)


def _view(server: DropServer, *, is_preferred: bool) -> DropServerView:
    return DropServerView(
        id=server.id,
        url=server.url,
        active=server.active,
        preferred=is_preferred,
        has_auth=bool(server.group_token),
        created=server.created,
        updated=server.updated,
    )


def _check_unique(settings: SyncedSettings, server: DropServer) -> None:
    for each in settings.drop_servers:
        if each.living and each.id != server.id and each.server == server.server:
            raise Conflict(f"This is drop server {each.id} already.")
