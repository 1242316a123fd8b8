"""What each source holds on a server, and in those of its drops that are full: in memory only."""

from collections.abc import Iterable

from attrs import define, field, frozen

from qabel.dropserver.message_sources import MessageSources
from qabel.dropserver.shares import Shares
from qabel.host.http_server.sources import OLD, Source


@define(eq=False)
class Room:
    """The messages that share some room, and their sources."""

    shares: Shares
    origins: MessageSources = field(factory=MessageSources, init=False)


@frozen
class _Change:
    """A message that came or went in a transaction."""

    stamp: int
    source: Source
    cost: int
    has_come: bool


@define(eq=False)
class Holdings:
    """What is held, kept in step with the transactions of the file.

    Args:
        quota: bytes of all messages, as they are charged.
        drop_quota: messages in one drop.

    """

    _quota: int
    _drop_quota: int
    everywhere: Room = field(init=False)
    messages: int = field(default=0, init=False)
    _drops: dict[bytes, Room] = field(factory=dict, init=False)
    """Those that were full lately."""
    _changes: list[_Change] = field(factory=list, init=False)
    """Those of the transaction that runs."""

    @everywhere.default
    def _empty(self) -> Room:
        return Room(Shares(self._quota))

    @property
    def charged(self) -> int:
        """What all messages are charged."""
        return int(self.everywhere.shares.held)

    def begin(self, messages: int, charged: int) -> None:
        """Begin with messages that are there already: nothing is known of their sources."""
        self.messages = messages
        self.everywhere = self._empty()
        self.everywhere.shares.add(OLD, charged)

    def came(self, stamp: int, place: bytes, source: Source, cost: int) -> None:
        """Note a message that is stored."""
        self._changes.append(_Change(stamp, source, cost, has_come=True))
        self._add(stamp, source, cost)
        if (drop := self._drops.get(place)) is not None:
            drop.shares.add(source, 1)
            drop.origins.add(stamp, source)

    def went(self, stamp: int, place: bytes, cost: int) -> None:
        """Note a message that is deleted."""
        source = self.everywhere.origins.of(stamp)
        self._changes.append(_Change(stamp, source, cost, has_come=False))
        self._remove(stamp, source, cost)
        if (drop := self._drops.get(place)) is not None:
            drop.shares.add(drop.origins.of(stamp), -1)
            drop.origins.remove(stamp)
            # Undoing forgets the drops, so that nothing has to be restored here.
            drop.origins.compact()
            if drop.shares.held < self._drop_quota / 2:
                del self._drops[place]

    def commit(self) -> None:
        """End a transaction."""
        self._changes.clear()
        self.everywhere.origins.compact()

    def roll_back(self) -> None:
        """Undo the changes of a transaction."""
        for change in reversed(self._changes):
            if change.has_come:
                self._remove(change.stamp, change.source, change.cost)
            else:
                self.messages += 1
                self.everywhere.origins.restore(change.stamp, change.source)
                self.everywhere.shares.add(change.source, change.cost)
        self._changes.clear()
        self._drops.clear()

    def in_drop(self, place: bytes) -> Room | None:
        """Return what is held of a drop; None if it was not full lately."""
        return self._drops.get(place)

    def look_into(self, place: bytes, stamps: Iterable[int]) -> Room:
        """Keep what is held of a drop from now on, given the stamps of its messages, in order."""
        drop = Room(Shares(self._drop_quota))
        for stamp in stamps:
            source = self.everywhere.origins.of(stamp)
            drop.shares.add(source, 1)
            drop.origins.add(stamp, source)
        self._drops[place] = drop
        return drop

    def _add(self, stamp: int, source: Source, cost: int) -> None:
        self.messages += 1
        self.everywhere.origins.add(stamp, source)
        self.everywhere.shares.add(source, cost)

    def _remove(self, stamp: int, source: Source, cost: int) -> None:
        self.messages -= 1
        self.everywhere.origins.remove(stamp)
        self.everywhere.shares.add(source, -cost)
