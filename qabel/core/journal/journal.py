"""The log that all readers follow: received messages, and what else they may be told of.

A *place* in it is the number of the last entry that a reader has, together with the id of the
database: ``<database id>.<number>``. Entries are numbered in the order of their commits, so that
whoever goes on from a place misses nothing and sees nothing twice.
"""

from collections import deque
from typing import Protocol

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from qabel.core.errors import Gone
from qabel.deferreds import a_few_at_a_time
from qabel.store.journal.entries import JournalEntry

BEGINNING = "0"
"""The place before the first entry of any database."""

RING_SIZE = 1000
"""Entries held in memory for the followers that are up to date."""

RING_BYTES = 4 * 1024 * 1024


class FeedReader(Protocol):
    """Where the log is kept: ``qabel.store.journal.entries.JournalEntries``."""

    def read(self, after: int, limit: int) -> Deferred[list[JournalEntry]]:
        """Give the entries after a number, oldest first."""


@frozen
class Entry:
    """One entry, ready to be told: ``data`` is a JSON object in one line."""

    seq: int
    place: str
    kind: str
    data: bytes = field(repr=False)
    identity_id: int | None = None


class Log:
    """The newest entries in memory, the older ones on disk, and who waits for more."""

    def __init__(
        self,
        feed: FeedReader,
        *,
        clock: IReactorTime,
        database_id: str,
        last_seq: int,
        floor: int,
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._database_id = database_id
        self.last_seq = last_seq
        self.floor = floor
        """Events up to this number are gone by retention."""
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._ring_start = last_seq
        """The ring holds all entries after this number, up to ``_ring_end``."""
        self._ring_end = last_seq
        self._hungry: list[Deferred[None]] = []
        """Those that wait for the ring to hold more."""
        self._is_filling = False
        self._waiting: set[Deferred[None]] = set()

    @property
    def newest(self) -> str:
        """The place of the newest entry."""
        return self.place(self.last_seq)

    def place(self, seq: int) -> str:
        """Write a number as a place."""
        return f"{self._database_id}.{seq}"

    def parse(self, place: str) -> int:
        """Read a place; gives its number. Raises Gone for one that this database did not give."""
        if place == BEGINNING:
            return 0
        database_id, _, digits = place.partition(".")
        if database_id == self._database_id and digits.isascii() and digits.isdecimal():
            seq = int(digits[:20])
            if seq <= self.last_seq:
                return seq
        raise Gone(
            "This place was not given by this database: it may have been restored from a backup, "
            "or the value is of another daemon. Go on from the oldest place, and expect to see "
            "messages again.",
            oldest=BEGINNING,
        )

    def advanced(self, seq: int) -> None:
        """Say that entries up to this number are committed."""
        if seq <= self.last_seq:
            return
        self.last_seq = seq
        waiting, self._waiting = self._waiting, set()
        self._wake(list(waiting), None)
        if self._hungry:
            self._fill_ring()

    def forgotten(self, floor: int) -> None:
        """Say that the events up to this number are gone."""
        self.floor = max(self.floor, floor)

    @property
    def held(self) -> int:
        """The number up to which entries can be read."""
        return self._ring_end

    def changed(self) -> Deferred[None]:
        """Give a Deferred that fires at the next entry; cancel it to wait no longer."""
        waiting: Deferred[None] = Deferred(self._waiting.discard)
        self._waiting.add(waiting)
        return waiting

    def follow(
        self,
        since: str | None,
        *,
        kinds: frozenset[str] | None = None,
        identity: int | None = None,
    ) -> "Follower":
        """Follow the log from a place, or from now on.

        Args:
            since: the place; None for the newest there is.
            kinds: tell only of these.
            identity: tell only of messages for this identity.

        Raises:
            Gone: the place is not of this database, or events after it are gone.

        """
        seq = self.last_seq if since is None else self.parse(since)
        follower = Follower(self, seq, kinds, identity)
        follower.check()
        return follower

    async def after(self, seq: int, limit: int) -> list[Entry]:
        """Return entries after a number, oldest first; from memory, if they are still there.

        There are none past ``held``: ``more`` tells when there are.
        """
        in_memory = self.in_memory_after(seq, limit)
        if in_memory is not None:
            return in_memory
        return [self._entry(each) for each in await self._feed.read(seq, limit)]

    def in_memory_after(self, seq: int, limit: int) -> list[Entry] | None:
        """Return the same as ``after`` at once; None if the disk has to be asked."""
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
        place = self.place(entry.seq)
        return Entry(entry.seq, place, entry.kind, entry.data, entry.identity_id)

    def more(self) -> "Deferred[None]":
        """Give a Deferred that fires when more can be read than ``held``; cancel it to give up.

        All who wait share one reading. It fails if that does: nothing is skipped then.
        """
        waiting: Deferred[None] = Deferred(self._stop_waiting)
        self._hungry.append(waiting)
        if self._ring_end < self.last_seq:
            self._fill_ring()
        return waiting

    def _stop_waiting(self, gone: "Deferred[None]") -> None:
        # Those that are being woken are in the list no more.
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
        """Wake those that wait, unless they gave up: one after another, not nested."""

        def wake(each: "Deferred[None]") -> None:
            if not each.called:
                each.callback(result)  # type: ignore[arg-type]  # None, or a Failure

        Deferred.fromCoroutine(a_few_at_a_time(waiting, wake, self._clock))

    async def _fill(self) -> None:
        if self.last_seq - self._ring_end > RING_SIZE:
            self._ring.clear()
            self._ring_bytes = 0
            self._ring_start = self._ring_end = self.last_seq - RING_SIZE
        upto = self.last_seq
        for each in await self._feed.read(self._ring_end, RING_SIZE):
            self._ring.append(self._entry(each))
            self._ring_bytes += len(each.data)
            self._ring_end = each.seq
        # Numbers of deleted messages are never read.
        self._ring_end = max(self._ring_end, upto)
        self.advanced(self._ring_end)
        while len(self._ring) > RING_SIZE or self._ring_bytes > RING_BYTES:
            oldest = self._ring.popleft()
            self._ring_bytes -= len(oldest.data)
            self._ring_start = oldest.seq


@define(eq=False)
class Follower:
    """One reader of the log, at its own pace. It holds nothing but its place."""

    _log: Log
    seq: int
    """The number of the last entry that was given, or passed over."""
    _kinds: frozenset[str] | None
    _identity: int | None
    _closed: bool = False
    _waiting: Deferred[None] | None = None

    @property
    def place(self) -> str:
        """The place of the last entry that was given, or passed over."""
        return self._log.place(self.seq)

    def check(self) -> None:
        """Raise Gone if entries after this follower's place are gone."""
        # A reader from the very beginning asks for what there is.
        if 0 < self.seq < self._log.floor and self._kinds != frozenset({"drop"}):
            raise Gone(
                "Events after this place are gone: they are kept for some days only. Go on from "
                "the oldest place, and read the settings and the outbox anew.",
                oldest=self._log.place(self._log.floor),
            )

    async def next(self, limit: int = 100) -> list[Entry]:
        """Give the next entries, at least one; waits until there is one.

        Cancelling is the way to stop waiting. After ``close`` it gives nothing. Raises Gone.
        """
        while not self._closed:
            self.check()
            upto = self._log.held
            if self.seq >= upto:
                await self._more()
                continue
            wanted = self._pass(await self._log.after(self.seq, limit), upto)
            if wanted:
                return wanted
        return []

    def take(self, limit: int) -> list[Entry] | None:
        """Return the next entries at once: none if there are none yet.

        None if ``next`` has to be asked, as they are on the disk. Raises Gone.
        """
        self.check()
        while self.seq < self._log.held:
            entries = self._log.in_memory_after(self.seq, limit)
            if entries is None:
                return None
            wanted = self._pass(entries, self._log.held)
            if wanted:
                return wanted
        return []

    def close(self) -> None:
        """End it: who waits in ``next`` is given nothing."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _more(self) -> None:
        self._waiting = self._log.more()
        try:
            await self._waiting
        except CancelledError:
            if not self._closed:
                raise
        finally:
            self._waiting = None

    def _pass(self, entries: list[Entry], upto: int) -> list[Entry]:
        """Move past entries, or where there are none past ``upto``; return those that it wants."""
        self.seq = entries[-1].seq if entries else max(self.seq, upto)
        return [entry for entry in entries if self._wants(entry)]

    def _wants(self, entry: Entry) -> bool:
        return (self._kinds is None or entry.kind in self._kinds) and (
            self._identity is None or entry.identity_id == self._identity
        )
