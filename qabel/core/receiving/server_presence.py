"""What reading drops shows of their servers: whether they work, and whether there is one at all.

It is noted for each owner of drops, as in ``qabel.net.isolation``, and what one owner's drops show
counts for others only after a random time. Else a server could see from the postings of one
identity what another has just read.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.receiving.poll_errors import ReadFailed
from qabel.core.receiving.poll_times import HEARSAY
from qabel.drop.url import DropURL

Place = tuple[bytes, str]
"""An owner, and the URL of a server."""


@define(eq=False)
class _Readings:
    """What the drops of one owner on one server showed last."""

    failing: dict[DropURL, str | None] = field(factory=dict)
    """The drops that failed since anything was read from the server.

    Each with how that showed that no drop server is there; None if it did not show that.
    """
    odd: set[DropURL] = field(factory=set)
    """Drops that failed while others of the server could be read: they say nothing about it."""
    works: bool = False
    """Whether anything was ever read."""

    @property
    def shown(self) -> str | None:
        """How it was shown that no drop server is there; None if it was not."""
        return next((each for each in self.failing.values() if each is not None), None)

    def failed(self, url: DropURL, shown: str | None) -> None:
        """Note that a drop could not be read."""
        if url not in self.odd:
            self.failing[url] = shown or self.failing.get(url)

    def succeeded(self, url: DropURL) -> bool:
        """Note that a drop could be read; return whether the server had failed."""
        had_failed = bool(self.failing)
        self.odd |= self.failing.keys()
        self.odd.discard(url)
        self.failing.clear()
        self.works = True
        return had_failed

    def keep_only(self, drops: Collection[DropURL]) -> None:
        """Forget what was noted of other drops."""
        self.failing = {url: shown for url, shown in self.failing.items() if url in drops}
        self.odd &= set(drops)


@define(eq=False)
class ServerPresence(Service):
    """Passes readings on, and notes what they show.

    Args:
        read: reads a drop, as ``Receiver.read``.
        on_success: is called with an owner, the URL of a server that works as far as the owner is
            to know, and whether it had failed before.
        clock: measures all times.
        owner_of: returns whose a drop is, as ``Isolation.owner_of``.
        draw: returns a random number in [0, 1).

    """

    _read: Callable[[DropURL, Collection[bytes]], Awaitable[None]]
    on_success: Callable[[bytes, str, bool], object]
    _clock: IReactorTime = field(kw_only=True)
    _owner_of: Callable[[DropURL], bytes | None] = field(kw_only=True)
    _draw: Draw = field(default=draw_securely, kw_only=True)
    _identities: frozenset[bytes] = field(default=frozenset(), init=False, repr=False)
    _servers: dict[str, dict[bytes, _Readings]] = field(factory=dict, init=False, repr=False)
    """What was read of each server, by owner."""
    _heard: dict[Place, str | None] = field(factory=dict, init=False, repr=False)
    """How others' readings showed that no drop server is there, as far as an owner is to know."""
    _telling: dict[Place, IDelayedCall] = field(factory=dict, init=False, repr=False)
    """What tells owners of others' readings, after a while."""
    _recovered: set[Place] = field(factory=set, init=False, repr=False)
    """Who is to be told then that a server works again."""

    name = "presence"

    def stopService(self) -> None:
        """Stop telling anybody of others' readings."""
        super().stopService()
        for place in list(self._telling):
            self._telling.pop(place).cancel()

    async def read(self, url: DropURL, announced: Collection[bytes] = ()) -> None:
        """Read a drop, in which such messages should be. Raises ReadFailed."""
        try:
            await self._read(url, announced)
        except ReadFailed as failed:
            self._failed(url, str(failed) if failed.shows_no_drop_server else None)
            raise
        self._succeeded(url)

    def no_drop_server(self, owner: bytes, server: str) -> str | None:
        """Return how readings showed that no drop server is at a URL, or None.

        It holds until a drop of the server is read successfully; that it cannot be reached in
        between changes nothing. If the owner reads no drop there, it is what others' readings
        showed some time ago.

        With https there is none: nothing but the server itself can respond there, and one that
        sends a web page to whoever reads a drop could see from what is posted twice who that is.

        Args:
            owner: whose posting is concerned: an identity's public key.
            server: the URL of the server.

        """
        if server.startswith("https:"):
            return None
        own = self._servers.get(server, {}).get(owner)
        return self._heard.get((owner, server)) if own is None else own.shown

    def set_drops(self, drops: Iterable[DropURL], identities: Iterable[bytes]) -> None:
        """Forget what was noted of drops that are not read any more, and of other identities.

        Args:
            drops: all drops that are read.
            identities: the public keys of all identities.

        """
        self._identities = frozenset(identities)
        kept: dict[tuple[str, bytes | None], set[DropURL]] = {}
        for url in drops:
            kept.setdefault((url.server, self._owner_of(url)), set()).add(url)
        for server, owners in list(self._servers.items()):
            for owner in list(owners):
                own = kept.get((server, owner))
                if own is None:
                    del owners[owner]
                else:
                    owners[owner].keep_only(own)
            if not owners:
                del self._servers[server]
        for place in [each for each in self._heard if not self._may_hear(each)]:
            del self._heard[place]
        for place in [each for each in self._telling if not self._may_hear(each)]:
            self._telling.pop(place).cancel()

    def _may_hear(self, place: Place) -> bool:
        """Return whether an owner learns of a server from others only."""
        owner, server = place
        readings = self._servers.get(server, {})
        return owner in self._identities and bool(readings) and owner not in readings

    def _readings(self, url: DropURL) -> tuple[bytes, _Readings] | None:
        owner = self._owner_of(url)
        if owner is None:
            return None  # It was given up while it was being read.
        return owner, self._servers.setdefault(url.server, {}).setdefault(owner, _Readings())

    def _failed(self, url: DropURL, shown: str | None) -> None:
        found = self._readings(url)
        if found is not None:
            before = found[1].shown
            found[1].failed(url, shown)
            if found[1].shown != before:
                self._tell_others(url.server, recovered=False)

    def _succeeded(self, url: DropURL) -> None:
        found = self._readings(url)
        if found is None:
            return
        owner, readings = found
        had_failed = readings.succeeded(url)
        self.on_success(owner, url.server, had_failed)
        if had_failed:
            self._tell_others(url.server, recovered=True)

    def _tell_others(self, server: str, *, recovered: bool) -> None:
        for owner in self._identities if self.running else ():
            place = owner, server
            if not self._may_hear(place):
                continue
            if recovered:
                self._recovered.add(place)
            if place not in self._telling:
                pause = exponential(HEARSAY, self._draw)
                self._telling[place] = self._clock.callLater(pause, self._tell, place)

    def _tell(self, place: Place) -> None:
        del self._telling[place]
        recovered = place in self._recovered
        self._recovered.discard(place)
        if not self._may_hear(place):
            return
        owner, server = place
        every = self._servers.get(server, {}).values()
        works = any(each.works and not each.failing for each in every)
        shown = next((each.shown for each in every if each.shown is not None), None)
        self._heard[place] = None if works else shown
        if recovered:
            self.on_success(owner, server, True)
