"""Taking messages: admitted by the shares of their sources, then stored in one transaction.

All of this blocks: it runs on one thread.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence

from attrs import define, field, frozen

from qabel.dropserver.admission import Full
from qabel.dropserver.message_values import DAY, Post, Retention, charge
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.posting import DropsFull, Eviction, PostWriter, recount
from qabel.dropserver.postgresql.room import SharedRoom, make_room
from qabel.dropserver.postgresql.source_keys import SourceKeys
from qabel.dropserver.postgresql.source_numbers import number_of, source_of
from qabel.dropserver.shares import Shares
from qabel.dropserver.stamps import SECOND
from qabel.host.http_server.sources import Source

_REMEMBERED = 256
"""Full drops of which it is remembered who holds what."""

_REMEMBERED_FOR = 2.0
"""Seconds for which it is at least: other front ends may change it."""

_REST = 50
"""How many times as long as counting took it is remembered: those who post wait for it."""

Outcome = int | Full | DatabaseAway
"""The stamp of a message, or why it was not stored."""


@frozen
class _Taken:
    """A message for which the server has room."""

    index: int
    """Its place among those that were given."""
    post: Post
    number: int

    @property
    def source(self) -> Source:
        return source_of(self.number)


@frozen
class _FullDrop:
    shares: Shares
    until: float


@define(eq=False, repr=False)
class Appender:
    """Takes messages.

    Args:
        link: used by this thread alone.
        room: what there is room for.
        retention: returns how much that is, once there is a connection.
        now: returns seconds since the epoch.
        elapsed: returns seconds since some moment.

    """

    _link: DatabaseLink
    _room: SharedRoom
    _retention: Callable[[], Retention]
    _now: Callable[[], float] = time.time
    _elapsed: Callable[[], float] = time.monotonic
    _keys: SourceKeys = field(factory=SourceKeys, init=False)
    _writer: PostWriter = field(init=False)
    _full: "OrderedDict[bytes, _FullDrop]" = field(factory=OrderedDict, init=False)

    @_writer.default
    def _make_writer(self) -> PostWriter:
        return PostWriter(self._link)

    def append(self, posts: Sequence[Post]) -> list[Outcome]:
        """Store messages; return their stamps, or why they are not stored.

        When it returns, those with stamps are on the disk. When it raises DatabaseAway, none is
        stored, or it is not known.
        """
        self._look(posts)
        results: list[Outcome] = [Full.SERVER] * len(posts)
        going: Counter[Source] = Counter()
        taken: list[_Taken] = []
        for index, post in enumerate(posts):
            each = _Taken(index, post, self._keys.number(post.source))
            goes = self._room.admit(each.source, len(post.body))
            if goes is not None:
                going += goes
                taken.append(each)
        try:
            self._store(taken, going, results)
        except BaseException:
            self._room.outdate()
            raise
        return results

    def _look(self, posts: Sequence[Post]) -> None:
        """Read what has to be known before messages are taken."""
        cost = sum(charge(len(post.body)) for post in posts)
        with self._link.use() as connection:
            self._room.set_retention(self._retention())
            self._keys.refresh(connection, int(self._now() // DAY))
            self._room.refresh(connection, cost)

    def _store(self, taken: list[_Taken], going: "Counter[Source]", results: list[Outcome]) -> None:
        full = {each.post.place for each in taken} & self._full.keys()
        while True:
            ordinary = [each for each in taken if each.post.place not in full]
            try:
                self._store_ordinary(ordinary, going, results)
            except DropsFull as error:
                full |= error.places
                continue
            break
        for place in full:
            here = [each for each in taken if each.post.place == place]
            try:
                self._store_in_full(place, here, results)
            except DatabaseAway as error:
                # That says nothing of the others, which are stored.
                self._full.pop(place, None)
                self._room.outdate()
                for each in here:
                    results[each.index] = error

    def _store_ordinary(
        self, taken: list[_Taken], going: "Counter[Source]", results: list[Outcome]
    ) -> None:
        if not taken and not going:
            return
        stored = self._writer.store(
            [each.post for each in taken],
            [each.number for each in taken],
            evictions=[Eviction(number_of(source), count) for source, count in going.items()],
            drop_quota=self._room.retention.most_in_drop,
        )
        for (source, wanted), gone in zip(going.items(), stored.evicted, strict=True):
            self._room.correct(source, wanted, gone)
        _fill_in(results, taken, stored.stamps)

    def _store_in_full(self, place: bytes, taken: list[_Taken], results: list[Outcome]) -> None:
        """Store messages in a drop that has, or had lately, as many as it may have."""
        shares = self._holdings(place)
        fitting: list[_Taken] = []
        going: Counter[Source] = Counter()
        for each in taken:
            goes = make_room(shares, each.source, 1, 1)
            if goes is None:
                results[each.index] = Full.DROP
                self._room.shares.add(each.source, -charge(len(each.post.body)))
                continue
            going += goes
            shares.add(each.source, 1)
            fitting.append(each)
        if not fitting:
            return
        stored = self._writer.store(
            [each.post for each in fitting],
            [each.number for each in fitting],
            evictions=[
                Eviction(number_of(source), count, place) for source, count in going.items()
            ],
            drop_quota=self._room.retention.most_in_drop,
            exempt=frozenset((place,)),
        )
        if list(stored.evicted) != list(going.values()):
            self._full.pop(place, None)
        _fill_in(results, fitting, stored.stamps)

    def _holdings(self, place: bytes) -> Shares:
        """Return what the sources hold of a drop, counted now or lately."""
        began = self._elapsed()
        known = self._full.get(place)
        if known is not None and began < known.until:
            return known.shares
        retention = self._room.retention
        horizon = int((self._now() - retention.lifetime) * SECOND)
        with self._link.transaction() as connection:
            counts = recount(connection, place, horizon)
        shares = Shares(retention.most_in_drop)
        for number, count in counts.items():
            shares.add(source_of(number), count)
        self._full.pop(place, None)
        if shares.held * 2 >= retention.most_in_drop:
            ended = self._elapsed()
            until = ended + max(_REMEMBERED_FOR, _REST * (ended - began))
            self._full[place] = _FullDrop(shares, until)
            if len(self._full) > _REMEMBERED:
                self._full.popitem(last=False)
        return shares


def _fill_in(results: list[Outcome], taken: Iterable[_Taken], stamps: Iterable[int]) -> None:
    for each, stamp in zip(taken, stamps, strict=True):
        results[each.index] = stamp
