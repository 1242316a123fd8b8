"""The event log: received messages and events, in the order in which all readers see them.

Entries are numbered in the order of their commits, so that a reader that continues from its cursor
misses nothing and sees nothing twice.
"""

from collections import deque
from typing import Protocol

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from qabel.contract.access import Access, OneIdentity
from qabel.core.errors import Gone
from qabel.core.journal.cursor_marks import BEGINNING, CursorMarks
from qabel.core.journal.kinds import kinds_for, permits
from qabel.core.people.hidden_addresses import as_seen_by
from qabel.deferreds import in_batches
from qabel.store.journal.entries import DAMAGE, JournalEntry

RING_SIZE = 1000
"""Entries held in memory for readers that are up to date."""

RING_BYTES = 4 * 1024 * 1024
"""Bytes of entries held in memory at most."""


class EntryRepository(Protocol):
    """Reads entries from disk: ``qabel.store.journal.entries.JournalEntries``."""

    def read(self, after: int, limit: int) -> Deferred[list[JournalEntry]]:
        """Return up to ``limit`` entries after a number, oldest first."""


@frozen
class Entry:
    """One entry, as readers get it: ``data`` is a JSON object in one line."""

    seq: int
    cursor: str
    kind: str
    data: bytes = field(repr=False)
    identity: OneIdentity | None = None
    """The identity that the entry is about; None if it is not about a single one."""
    token_id: int | None = None
    """The token of the send that the entry is about; None for the owner of the daemon."""

    stands_for: str | None = None
    """Of an entry for damaged ones, their kind; None if that is not known."""

    def as_seen_by(self, access: Access) -> "Entry":
        """Return the entry as somebody with this access may see it."""
        if self.kind != "drop":
            return self
        data = as_seen_by(self.data, access)
        return self if data is self.data else evolve(self, data=data)

    def is_for(self, access: Access) -> bool:
        """Return whether somebody with this access may see the entry."""
        if self.kind == DAMAGE:
            return self._damage_is_for(access)
        if access.identity is not None and self.identity != access.identity:
            return False
        is_own = self.kind != "outbox" or self.token_id == access.token_id
        return permits(access.scopes, self.kind) and (is_own or access.sees_all_sends)

    def _damage_is_for(self, access: Access) -> bool:
        only, kinds = access.identity, kinds_for(access.scopes)
        if only is not None and self.identity is not None and self.identity.id != only.id:
            return False
        return bool(kinds) if self.stands_for is None else self.stands_for in kinds


@define(eq=False, kw_only=True)
class Journal:
    """The newest entries in memory, older ones on disk, and the readers that wait for more."""

    _entries: EntryRepository
    _clock: IReactorTime
    _marks: CursorMarks
    last_seq: int
    """The number of the newest committed entry."""
    floor: int
    """Events up to this number have been deleted: they are kept for some days only."""

    _ring: deque[Entry] = field(factory=deque, init=False)
    _ring_bytes: int = field(default=0, init=False)
    _ring_start: int = field(init=False)
    """The ring holds all entries after this number, up to ``_ring_end``."""
    _ring_end: int = field(init=False)
    _hungry: list[Deferred[None]] = field(factory=list, init=False)
    """Deferreds that wait for the ring to hold more."""
    _times_forgotten: int = field(default=0, init=False)
    _is_filling: bool = field(default=False, init=False)
    _waiting: set[Deferred[None]] = field(factory=set, init=False)
    """Deferreds that wait for the next commit."""

    def __attrs_post_init__(self) -> None:
        self._ring_start = self._ring_end = self.last_seq

    @property
    def newest(self) -> str:
        """The cursor of the newest entry."""
        return self.cursor(self.last_seq)

    @property
    def held(self) -> int:
        """The number up to which entries can be read."""
        return self._ring_end

    def cursor(self, seq: int) -> str:
        """Return the cursor of a number."""
        return self._marks.encode(seq)

    def parse(self, cursor: str) -> int:
        """Return the number of a cursor. Raises Gone if it was not given here."""
        seq = self._marks.decode(cursor, self.last_seq)
        if seq is not None:
            return seq
        raise Gone(
            "This cursor is not known here: the database was restored from a copy made before the "
            "cursor was given, or is another one. Start again from the oldest cursor, and expect "
            "to see messages again.",
            oldest=BEGINNING,
        )

    def advance(self, seq: int) -> None:
        """Note that entries up to this number are committed, and wake waiting readers."""
        if seq <= self.last_seq:
            return
        self.last_seq = seq
        waiting, self._waiting = self._waiting, set()
        self._wake(list(waiting), None)
        if self._hungry:
            self._fill_ring()

    def forget(self, floor: int) -> None:
        """Note that events up to this number have been deleted."""
        self.floor = max(self.floor, floor)

    def read_again(self) -> None:
        """Forget the entries in memory: something was deleted, which may be among them."""
        self._ring.clear()
        self._ring_bytes = 0
        self._ring_start = self._ring_end
        self._times_forgotten += 1

    def changed(self) -> "Deferred[None]":
        """Return a Deferred that fires at the next commit; cancel it to stop waiting."""
        waiting: Deferred[None] = Deferred(self._waiting.discard)
        self._waiting.add(waiting)
        return waiting

    def more(self) -> "Deferred[None]":
        """Return a Deferred that fires when more entries are held; cancel it to stop waiting.

        All waiting readers share one read from the disk. If it fails, so do their Deferreds, and
        no entry is skipped.
        """
        waiting: Deferred[None] = Deferred(self._stop_waiting)
        self._hungry.append(waiting)
        if self._ring_end < self.last_seq:
            self._fill_ring()
        return waiting

    async def after(self, seq: int, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries after a number, oldest first, from memory or from disk.

        It returns no entries past ``held``; wait for them with ``more``. Raises StoreError.
        """
        in_memory = self.in_memory_after(seq, limit)
        if in_memory is not None:
            return in_memory
        return [self._entry(each) for each in await self._entries.read(seq, limit)]

    def in_memory_after(self, seq: int, limit: int) -> list[Entry] | None:
        """Return the same as ``after`` without waiting; None if it has to be read from disk."""
        if seq < self._ring_start:
            return None
        if not self._ring or seq >= self._ring[-1].seq:
            return []
        newer: list[Entry] = []
        for entry in reversed(self._ring):
            if entry.seq <= seq:
                break
            newer.append(entry)
        return newer[: -limit - 1 : -1]

    def _entry(self, entry: JournalEntry) -> Entry:
        cursor = self.cursor(entry.seq)
        return Entry(
            entry.seq,
            cursor,
            entry.kind,
            entry.data,
            entry.identity,
            entry.token_id,
            entry.stands_for,
        )

    def _stop_waiting(self, gone: "Deferred[None]") -> None:
        # Those that are being woken are no longer in the list.
        if gone in self._hungry:
            self._hungry.remove(gone)

    def _fill_ring(self) -> None:
        if not self._is_filling:
            self._is_filling = True
            Deferred.fromCoroutine(self._fill()).addBoth(self._has_filled)

    def _has_filled(self, result: object) -> None:
        self._is_filling = False
        hungry, self._hungry = self._hungry, []
        self._wake(hungry, result)

    def _wake(self, waiting: "list[Deferred[None]]", result: object) -> None:
        """Fire Deferreds that were not cancelled: one after another, not nested."""

        def wake(each: "Deferred[None]") -> None:
            if not each.called:
                each.callback(result)  # type: ignore[arg-type]  # None, or a Failure

        Deferred.fromCoroutine(in_batches(waiting, wake, self._clock))

    async def _read_present(self, after: int) -> list[JournalEntry]:
        """Read entries from disk, again if something is deleted meanwhile."""
        while True:
            forgotten = self._times_forgotten
            entries = await self._entries.read(after, RING_SIZE)
            if forgotten == self._times_forgotten:
                return entries

    async def _fill(self) -> None:
        if self.last_seq - self._ring_end > RING_SIZE:
            self._ring.clear()
            self._ring_bytes = 0
            self._ring_start = self._ring_end = self.last_seq - RING_SIZE
        upto = self.last_seq
        for each in await self._read_present(self._ring_end):
            self._ring.append(self._entry(each))
            self._ring_bytes += len(each.data)
            self._ring_end = each.seq
        # Numbers of deleted messages are never read.
        self._ring_end = max(self._ring_end, upto)
        self.advance(self._ring_end)
        while len(self._ring) > RING_SIZE or self._ring_bytes > RING_BYTES:
            oldest = self._ring.popleft()
            self._ring_bytes -= len(oldest.data)
            self._ring_start = oldest.seq
