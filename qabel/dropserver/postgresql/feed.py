"""Push with many front ends: what is new in a drop is read from the database, in order.

A subscriber's connection says where it stands. It must never jump over a message that another front
end stored just before. So a front end does not pass on what it stores itself, but reads what its
subscribers lack, whoever stored it.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.dropserver.message_values import Post, hash_drop_id
from qabel.dropserver.postgresql.notices import PREFIX_SIZE
from qabel.dropserver.postgresql.reading import Pushed
from qabel.dropserver.pushed_message import PushListeners, push_message
from qabel.dropserver.storage import StoreUnavailable

BATCH = 256
"""Drops that are read at once at most."""

MOST_EACH = 32
"""Messages of a drop that are read at once."""

SWEEP_INTERVAL = 20.0
"""Seconds between readings of all drops: a front end may die before it tells what it stored."""

_RETRY_INTERVAL = 1.0


class Newer(Protocol):
    """Where messages are read."""

    def latest(self, drop_id: str) -> "Deferred[int]":
        """Return the greatest stamp ever issued in a drop."""

    def newer(self, after: dict[bytes, int], limit: int) -> "Deferred[list[Pushed]]":
        """Return messages that are newer than a stamp for each drop."""


@define(eq=False)
class _Followed:
    """A drop with subscribers, and the stamp of what they got last."""

    drop_id: str = field(repr=False)
    stamp: int


@define(eq=False, repr=False)
class DatabaseFeed:
    """Passes messages on to the subscribers of this front end.

    Args:
        listeners: those subscribers.
        store: where messages are read.
        reactor: measures times.

    """

    _listeners: PushListeners
    _store: Newer
    _reactor: IReactorTime
    is_ready: bool = field(default=False, init=False)
    """Whether it hears what other front ends store: otherwise nobody can subscribe."""
    _is_closed: bool = field(default=False, init=False)
    _followed: dict[bytes, _Followed] = field(factory=dict, init=False)
    """By the hash of the drop."""
    _by_prefix: dict[bytes, set[bytes]] = field(factory=dict, init=False)
    _due: dict[bytes, None] = field(factory=dict, init=False)
    """Drops to read, in the order in which they were told."""
    _is_reading: bool = field(default=False, init=False)
    _retry: IDelayedCall | None = field(default=None, init=False)
    _sweeping: LoopingCall = field(init=False)

    _log: ClassVar = Logger()

    @_sweeping.default
    def _make_loop(self) -> LoopingCall:
        return LoopingCall(self.sweep)

    def __len__(self) -> int:
        """Return how many drops are followed."""
        return len(self._followed)

    async def follow(self, drop_id: str) -> None:
        """Follow a drop from now on, before somebody subscribes to it. Raises StoreUnavailable."""
        if not self.is_ready:
            raise StoreUnavailable("other front ends cannot be heard")
        place = hash_drop_id(drop_id)
        if place in self._followed and self._listeners.has_subscribers(drop_id):
            return
        stamp = await self._store.latest(drop_id)
        if not self.is_ready:
            raise StoreUnavailable("other front ends cannot be heard")
        if place in self._followed and self._listeners.has_subscribers(drop_id):
            return  # somebody else was faster
        self._followed[place] = _Followed(drop_id, stamp)
        self._by_prefix.setdefault(place[:PREFIX_SIZE], set()).add(place)

    def stored(self, post: Post, stamp: int) -> None:
        """Note that this front end stored a message."""
        if post.place in self._followed:
            self._read([post.place])

    def heard(self, prefixes: Iterable[bytes]) -> None:
        """Note that others stored messages in drops, given by the beginnings of their hashes."""
        found = [place for each in prefixes for place in self._by_prefix.get(each, ())]
        if found:
            self._read(found)

    def listening(self, is_listening: bool) -> None:
        """Note whether others can be heard; if not, all subscribers have to come again."""
        if self._is_closed:
            return
        self.is_ready = is_listening
        if not is_listening:
            self._forget_all()
            self._listeners.close()

    def start(self) -> None:
        """Begin to read all drops that are followed from time to time."""
        self._sweeping.clock = self._reactor
        self._sweeping.start(SWEEP_INTERVAL, now=False)

    def close(self) -> None:
        """Pass nothing on any more."""
        self.is_ready, self._is_closed = False, True
        self._forget_all()
        if self._sweeping.running:
            self._sweeping.stop()
        if self._retry is not None and self._retry.active():
            self._retry.cancel()

    def sweep(self) -> None:
        """Read all drops that are followed; this is called every SWEEP_INTERVAL."""
        for place, each in list(self._followed.items()):
            if not self._listeners.has_subscribers(each.drop_id):
                self._forget(place)
        self._read(self._followed)

    def _read(self, places: Iterable[bytes]) -> None:
        self._due.update(dict.fromkeys(places))
        if not self._is_reading and self._due:
            self._is_reading = True
            Deferred.fromCoroutine(self._read_due()).addErrback(self._read_failed)

    async def _read_due(self) -> None:
        while self._due:
            places = [place for place, _ in zip(self._due, range(BATCH), strict=False)]
            for place in places:
                del self._due[place]
            reading = {each: self._followed[each] for each in places if each in self._followed}
            after = {place: each.stamp for place, each in reading.items()}
            try:
                found = await self._store.newer(after, MOST_EACH) if after else []
            except StoreUnavailable:
                # Without those that are not followed any more, as all at the end.
                self._due.update(dict.fromkeys(each for each in after if each in self._followed))
                if self._due:
                    self._retry = self._reactor.callLater(_RETRY_INTERVAL, self._go_on)
                    return
                continue
            self._pass_on(reading, found)
        self._is_reading = False

    def _go_on(self) -> None:
        self._is_reading = False
        self._read(())

    def _read_failed(self, failure: Failure) -> None:
        self._log.failure("messages could not be passed on", failure)
        self._is_reading = False

    def _pass_on(self, reading: "Mapping[bytes, _Followed]", found: list[Pushed]) -> None:
        counts = dict.fromkeys(reading, 0)
        for each in found:
            counts[each.place] += 1
            followed = reading[each.place]
            # Whoever follows it anew may lack something before this.
            if self._followed.get(each.place) is followed:
                followed.stamp = each.stamp
                push_message(self._listeners, followed.drop_id, each.stamp, each.body)
        for place, followed in reading.items():
            if counts[place] == MOST_EACH or self._followed.get(place) is not followed:
                self._due[place] = None

    def _forget_all(self) -> None:
        self._followed.clear()
        self._by_prefix.clear()
        self._due.clear()

    def _forget(self, place: bytes) -> None:
        del self._followed[place]
        prefix = place[:PREFIX_SIZE]
        self._by_prefix[prefix].discard(place)
        if not self._by_prefix[prefix]:
            del self._by_prefix[prefix]
