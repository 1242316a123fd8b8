"""Watch drops by push, with a push listener for each; polling remains as a fallback."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Protocol

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.random_delays import Draw, draw_securely
from qabel.core.receiving.poll_errors import NotStored, ReadFailed
from qabel.core.receiving.poll_times import first_pause
from qabel.drop.url import DropURL

MAX_LISTENERS = 500
"""How many drops are watched at most; further ones are only polled."""


class DropListener(Protocol):
    """Watches one drop: ``qabel.net.push_listener.PushListener``."""

    on_lost: Callable[[], object]
    """Called when the server does not report new messages any more."""

    @property
    def connected(self) -> bool:
        """Whether the server reports new messages at present."""

    @property
    def is_offered(self) -> bool:
        """Whether the server offers push, as far as is known."""

    @property
    def problem(self) -> str | None:
        """Why connecting fails again and again; None if it does not."""

    @property
    def heard(self) -> float | None:
        """When the server last proved that the connection works, in seconds on the clock."""

    def start(self) -> None:
        """Connect, and stay connected."""

    def stop(self) -> object:
        """Disconnect; may return a Deferred."""


@frozen
class ServerPush:
    """How push goes with one server."""

    is_listening: bool
    """Whether all its drops are watched at present."""
    is_offered: bool
    """Whether the server offers push, as far as is known."""
    problem: str | None
    """Why connecting fails again and again."""

    @property
    def text(self) -> str:
        """The state in a word, or the problem."""
        if self.is_listening:
            return "listening"
        if not self.is_offered:
            return "not offered"
        return self.problem or "connecting"


@define(eq=False)
class _Drop:
    listener: DropListener
    opening: IDelayedCall | None = None
    """Starts the listener, at a random time."""
    reading: Deferred[None] | None = None
    again: bool = False
    """Whether a message was reported while the drop was being read."""
    announced: set[bytes] = field(factory=set)
    """Hashes of messages that were reported, until the drop was read."""


@define(eq=False)
class PushWatch(Service):
    """Reads a drop as soon as its server reports a new message.

    Each connection is opened at a random time: those that are opened together belong together.

    Args:
        listen: returns the listener of a drop, which calls a function at new messages, with their
            hashes.
        read: reads a drop in which such messages should be. Raises ReadFailed.
        clock: measures all times.
        interval: returns the mean seconds between two polls, over which connections are opened.
        on_trouble: is called with a drop that is to be polled soon, as its connection was lost or
            reading it failed.
        on_read: is called with a drop that was read.
        is_waiting: returns whether a drop is to be read by the poller only, as nothing can be
            stored.
        on_not_stored: is called when what was found in a drop could not be stored, with the error
            of the database.
        draw: returns a random number in [0, 1).
        most: how many drops are watched at most.

    """

    _listen: Callable[[DropURL, Callable[[Collection[bytes]], None]], DropListener]
    _read: Callable[[DropURL, Collection[bytes]], Awaitable[None]]
    _clock: IReactorTime
    _interval: Callable[[], float] = field(kw_only=True)
    _on_trouble: Callable[[DropURL], object] = field(default=lambda _: None, kw_only=True)
    _on_read: Callable[[DropURL], object] = field(default=lambda _: None, kw_only=True)
    _is_waiting: Callable[[DropURL], bool] = field(default=lambda _: False, kw_only=True)
    _on_not_stored: Callable[[DropURL, str], object] = field(
        default=lambda _url, _error: None, kw_only=True
    )
    _draw: Draw = field(default=draw_securely, kw_only=True)
    _most: int = field(default=MAX_LISTENERS, kw_only=True)
    _wanted: set[DropURL] = field(factory=set, init=False)
    _drops: dict[DropURL, _Drop] = field(factory=dict, init=False)

    name = "push-watch"
    _log = Logger()

    @property
    def connected(self) -> int:
        """How many drops are watched at present."""
        return sum(each.listener.connected for each in self._drops.values())

    def by_server(self) -> dict[str, ServerPush]:
        """Return how push goes with each server that has a drop to watch."""
        listeners: dict[str, list[DropListener]] = {}
        for url, drop in self._drops.items():
            listeners.setdefault(url.server, []).append(drop.listener)
        return {
            server: ServerPush(
                is_listening=all(each.connected for each in some),
                is_offered=all(each.is_offered for each in some),
                problem=next((each.problem for each in some if each.problem is not None), None),
            )
            for server, some in sorted(listeners.items())
        }

    def is_watching(self, url: DropURL) -> bool:
        """Return whether new messages of a drop are reported at present."""
        drop = self._drops.get(url)
        return drop is not None and drop.listener.connected

    def heard(self) -> dict[DropURL, float]:
        """Return when connections last proved that they work, as ``DropListener.heard``.

        Drops without one are left out.
        """
        found: dict[DropURL, float] = {}
        for url, each in self._drops.items():
            heard = each.listener.heard
            if heard is not None and each.listener.connected:
                found[url] = heard
        return found

    def startService(self) -> None:
        """Start watching."""
        super().startService()
        self._follow()

    def stopService(self) -> None:
        """Stop watching."""
        super().stopService()
        self._follow()

    def set_drops(self, urls: Iterable[DropURL]) -> None:
        """Set which drops to watch."""
        self._wanted = set(sorted(urls, key=str)[: self._most])
        self._follow()

    def reconnect(self, servers: Collection[str]) -> None:
        """Open the connections to some servers, by their URLs, anew; each at a random time."""
        for url in [each for each in self._drops if each.server in servers]:
            self._remove(url)
        self._follow()

    def _follow(self) -> None:
        wanted = self._wanted if self.running else set()
        for url in self._drops.keys() - wanted:
            self._remove(url)
        for url in wanted - self._drops.keys():
            self._add(url)

    def _remove(self, url: DropURL) -> None:
        drop = self._drops.pop(url)
        if drop.opening is not None:
            drop.opening.cancel()
        drop.listener.stop()
        if drop.reading is not None:
            drop.reading.cancel()

    def _add(self, url: DropURL) -> None:
        listener = self._listen(url, partial(self._news, url))
        listener.on_lost = partial(self._on_trouble, url)
        drop = self._drops[url] = _Drop(listener)
        pause = first_pause(self._interval(), self._draw)
        drop.opening = self._clock.callLater(pause, self._open, drop)

    def _open(self, drop: _Drop) -> None:
        drop.opening = None
        drop.listener.start()

    def _news(self, url: DropURL, announced: Collection[bytes]) -> None:
        drop = self._drops.get(url)
        if drop is None:
            return
        drop.announced.update(announced)
        if drop.reading is not None:
            drop.again = True
            return
        if self._is_waiting(url):
            return
        reading = Deferred.fromCoroutine(self._read_again_and_again(url, drop))
        if not reading.called:
            drop.reading = reading
        reading.addBoth(self._ended, drop)

    async def _read_again_and_again(self, url: DropURL, drop: _Drop) -> None:
        drop.again = True
        while drop.again:
            drop.again = False
            announced, drop.announced = drop.announced, set()
            try:
                await self._read(url, announced)
            except NotStored as failed:
                self._on_not_stored(url, str(failed))
                return
            except ReadFailed:
                # The poller tries again soon, and reports the failure.
                self._on_trouble(url)
                return
            self._on_read(url)

    def _ended(self, result: object, drop: _Drop) -> None:
        drop.reading = None
        if isinstance(result, Failure) and not result.check(CancelledError):
            self._log.failure("Reading a drop after a push failed unexpectedly", result)
