"""The rows of a drop server's messages: inserted, selected, read, and deleted, oldest first.

All of this blocks, and runs within transactions that its caller begins and ends.
"""

import hashlib
import sqlite3
from collections.abc import Callable

import attrs

from qabel.dropserver.stamps import SECOND

DAY = 24 * 60 * 60
"""Seconds."""

MESSAGE_LIMIT = 2573
"""Bytes that a message may have: as on the deployed servers."""

MESSAGE_COST = 128
"""Bytes that a message counts in addition to its own, so that tiny messages are limited too."""

DELETE_BATCH = 256
"""Messages deleted in one transaction: it limits how long others wait."""


@attrs.frozen(kw_only=True)
class Retention:
    """How long messages are kept, and how many."""

    lifetime: float = 7 * DAY
    """Seconds that a message is kept."""
    quota: int = 1024 * 1024 * 1024
    """Bytes of all messages, each with MESSAGE_COST added."""
    drop_quota: int = 100_000
    """Messages in one drop."""


@attrs.frozen
class Selection:
    """The messages of a drop that are newer than some stamp, as they are at one moment."""

    after: int
    """The stamp that all of them are newer than."""
    newest: int
    """The stamp of the newest of them."""
    count: int
    """The number of messages."""
    size: int
    """The bytes of all messages together."""


@attrs.frozen
class Since:
    """What a reader has already: everything up to this stamp."""

    stamp: int
    is_ours: bool = True
    """Whether a server issued it as a stamp; otherwise it is a time of day."""


Row = tuple[int, bytes]
"""A message: its stamp and its bytes."""


@attrs.define(eq=False, repr=False)
class MessageRows:
    """The rows, by an open connection. What raises sqlite3.Error may have changed some of them."""

    connection: sqlite3.Connection
    _retention: Retention
    _now: Callable[[], float]
    latest: int = attrs.field(default=0, init=False)
    """The greatest stamp ever issued."""
    _charged: int = attrs.field(default=0, init=False)
    """The bytes that count against the quota."""
    passed: int = attrs.field(default=-1, init=False)
    """Up to this stamp, rows that should be deleted cannot be: their pages are damaged."""

    def load_state(self) -> None:
        """Load what is known about all messages."""
        self.latest, self._charged = self.connection.execute(
            "SELECT latest, charged FROM state"
        ).fetchone()

    def store_state(self) -> None:
        """Store what is known about all messages."""
        self.connection.execute(
            "UPDATE state SET latest = ?, charged = ?", (self.latest, self._charged)
        )

    def select(self, drop_id: str, since: Since | None) -> Selection | None:
        """Return what a drop holds that is newer than ``since``; None if there is nothing.

        A stamp greater than all that this file ever issued came from another server, or from a file
        that was deleted. It is ignored, as it could hide messages that are yet to come.
        """
        known = since is not None and not (since.is_ours and since.stamp > self.latest)
        after = since.stamp if since is not None and known else -1
        # What is too old and cannot be deleted must not keep what is newer from being read.
        after = max(after, min(self.passed, self._horizon()))
        place = hash_drop_id(drop_id)
        newest = self._newest(place)
        if newest is None or newest[0] <= after:
            return None
        stamp, number, before, size = newest
        oldest_number, oldest_before = self.connection.execute(
            "SELECT number, before FROM message WHERE place = ? AND stamp > ?"
            " ORDER BY stamp LIMIT 1",
            (place, after),
        ).fetchone()
        return Selection(after, stamp, number - oldest_number + 1, before + size - oldest_before)

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return up to ``limit`` messages with ``after < stamp <= newest``, oldest first."""
        return self.connection.execute(
            "SELECT stamp, body FROM message WHERE place = ? AND stamp > ? AND stamp <= ?"
            " ORDER BY stamp LIMIT ?",
            (hash_drop_id(drop_id), after, newest, limit),
        ).fetchall()

    def insert(self, drop_id: str, body: bytes) -> tuple[bytes, int, int]:
        """Insert a message; return its drop's hash, its stamp, and its number in the drop."""
        place = hash_drop_id(drop_id)
        _, number, before, size = self._newest(place) or (0, 0, 0, 0)
        stamp = max(int(self._now() * SECOND), self.latest + 1)
        self.connection.execute(
            "INSERT INTO message (stamp, place, number, before, size, body)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (stamp, place, number + 1, before + size, len(body), body),
        )
        self.latest = stamp
        self._charged += len(body) + MESSAGE_COST
        return place, stamp, number + 1

    def _newest(self, place: bytes) -> tuple[int, int, int, int] | None:
        row: tuple[int, int, int, int] | None = self.connection.execute(
            "SELECT stamp, number, before, size FROM message WHERE place = ?"
            " ORDER BY stamp DESC LIMIT 1",
            (place,),
        ).fetchone()
        return row

    def enforce_drop_quota(self, place: bytes, newest_number: int) -> None:
        """Delete the oldest messages of a drop until the rest fits its quota, a batch at most."""
        if newest_number <= self._retention.drop_quota:
            return
        (oldest,) = self.connection.execute(
            "SELECT number FROM message WHERE place = ? AND stamp > ? ORDER BY stamp LIMIT 1",
            (place, self.passed),
        ).fetchone()
        excess = newest_number - oldest + 1 - self._retention.drop_quota
        if excess > 0:
            self._delete_oldest("place = ? AND", (place,), min(excess, DELETE_BATCH))

    def enforce_quota(self, rounds: int = 16, batch: int = DELETE_BATCH) -> int:
        """Delete the oldest messages of all drops until the rest fits the quota; return how many.

        After the quota was lowered, that takes more than one call.
        """
        deleted = 0
        for _ in range(rounds):
            excess = self._charged - self._retention.quota
            if excess <= 0:
                break
            at_least = -(-excess // (MESSAGE_LIMIT + MESSAGE_COST))
            deleted += self._delete_oldest("", (), min(at_least, batch))
        return deleted

    def delete_expired(self, batch: int = DELETE_BATCH) -> int:
        """Delete some messages that are too old; return how many."""
        return self._delete_oldest("stamp < ? AND", (self._horizon(),), batch)

    def find_due(self) -> tuple[int, int] | None:
        """Return the stamp and the size of the oldest message, if it should be deleted.

        Those on damaged pages are passed over. Reads only, and is slow where pages are damaged.
        """
        if not self._is_readable(self.passed):
            self.passed = self._find_end_of_damage()
        row = self._first_after(self.passed)
        is_due = row is not None and (
            row[0] < self._horizon() or self._charged > self._retention.quota
        )
        return row if is_due else None

    def delete(self, rows: list[tuple[int, int]]) -> int:
        """Delete messages, given by stamp and size; return how many."""
        self.connection.executemany(
            "DELETE FROM message WHERE stamp = ?", ((stamp,) for stamp, _ in rows)
        )
        self._charged -= sum(size + MESSAGE_COST for _, size in rows)
        return len(rows)

    def _find_end_of_damage(self) -> int:
        """Return the least stamp after ``passed`` from which on messages can be read.

        Which messages a damaged page held is unknown. Damage further on is left to further calls,
        so that nothing between is passed over.
        """
        step = max(1, int(self._retention.lifetime * SECOND) >> 11)
        unreadable, probe = self.passed, int(self._now() * SECOND) - (step << 13)
        while not self._is_readable(probe := max(probe, unreadable + 1)):
            if probe > self.latest:
                return self.latest
            unreadable, probe = probe, probe + step
        while probe - unreadable > 1:
            middle = (probe + unreadable) // 2
            if self._is_readable(middle):
                probe = middle
            else:
                unreadable = middle
        return probe

    def _is_readable(self, stamp: int) -> bool:
        try:
            self._first_after(stamp)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return False
        return True

    def _first_after(self, stamp: int) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self.connection.execute(
            "SELECT stamp, size FROM message WHERE stamp > ? ORDER BY stamp LIMIT 1", (stamp,)
        ).fetchone()
        return row

    def _horizon(self) -> int:
        return int((self._now() - self._retention.lifetime) * SECOND)

    def _delete_oldest(self, where: str, parameters: tuple[object, ...], limit: int) -> int:
        rows = self.connection.execute(
            f"SELECT stamp, size FROM message WHERE {where} stamp > ?"  # noqa: S608
            f" ORDER BY stamp LIMIT {limit:d}",
            (*parameters, self.passed),
        ).fetchall()
        return self.delete(rows)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error says that a page of the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def hash_drop_id(drop_id: str) -> bytes:
    """Return what the file holds instead of a drop id: the file alone gives access to no drop."""
    return hashlib.blake2b(drop_id.encode("ascii"), digest_size=20).digest()
