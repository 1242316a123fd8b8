"""The rows of a drop server's messages: inserted, selected, read, and deleted.

All of this blocks, and runs within transactions that its caller begins and ends.
"""

import sqlite3
from collections.abc import Callable, Iterable

import attrs

from qabel.dropserver.holdings import Holdings
from qabel.dropserver.joined_rows import read_joined
from qabel.dropserver.message_values import (
    MESSAGE_COST,
    MESSAGE_LIMIT,
    MESSAGE_SIZE,
    Place,
    Post,
    Retention,
    Row,
    Selection,
    Since,
    charge,
    hash_drop_id,
)
from qabel.dropserver.pending_inserts import PendingInserts
from qabel.dropserver.remembered import Remembered
from qabel.dropserver.stamps import SECOND

MOST_COUNTED = 1000
"""Messages that are counted before they are sent: to count more takes too long."""

DELETE_BATCH = 256
"""Messages deleted in one transaction: it limits how long others wait."""

SMALL_BATCH = 32
"""Messages deleted in one transaction while the disk is full: each transaction needs disk space."""

_DISK_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
"""Errors of a full disk: an exhausted quota and a limit on a file's size are the last two."""


@attrs.define(eq=False, repr=False)
class MessageRows:
    """The rows, by an open connection. What raises sqlite3.Error may have changed some of them."""

    connection: sqlite3.Connection
    _retention: Retention
    _now: Callable[[], float]
    latest: int = attrs.field(default=0, init=False)
    """The greatest stamp ever issued."""
    holdings: Holdings = attrs.field(init=False)
    # Most questions are after nothing new. A look into the file takes them longer than it seems, as
    # the interpreter's lock is given away for it.
    _counts: Remembered[int] = attrs.field(factory=Remembered, init=False)
    """How many messages some drops have."""
    _newest: Remembered[int | None] = attrs.field(factory=Remembered, init=False)
    """The stamps of the newest messages of some drops; None for those without any."""
    _pending: PendingInserts = attrs.field(factory=PendingInserts, init=False)
    passed: int = attrs.field(default=-1, init=False)
    """Up to this stamp, rows that should be deleted cannot be: their pages are damaged."""

    @holdings.default
    def _nothing(self) -> Holdings:
        return Holdings(self._retention.quota, self._retention.most_in_drop)

    def begin(self) -> None:
        """Load what is known about all messages, once; count them."""
        self.latest, charged = self.connection.execute(
            "SELECT latest, charged FROM state"
        ).fetchone()
        messages = charged // charge(MESSAGE_SIZE)
        try:
            messages, charged = count_charged(self.connection)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        self.holdings.begin(messages, charged)

    def roll_back(self) -> None:
        """Load again what is known, once a transaction was undone."""
        self.holdings.roll_back()
        self._counts.clear()
        self._newest.clear()
        self._pending.clear()
        self.latest = self.latest_stored()

    def latest_stored(self) -> int:
        """Return the greatest stamp of a committed transaction."""
        return int(self.connection.execute("SELECT latest FROM state").fetchone()[0])

    def store_state(self) -> None:
        """Store what is known about all messages, at the end of a transaction."""
        self.flush()
        self.connection.execute(
            "UPDATE state SET latest = ?, charged = ?", (self.latest, self.holdings.charged)
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
        newest = self._newest.find(place, self._read_newest)
        if newest is None or newest <= after:
            return None
        count, size = self.connection.execute(
            "SELECT count(*), sum(size) FROM (SELECT size FROM message"
            " WHERE place = ? AND stamp > ? LIMIT ?)",
            (place, after, MOST_COUNTED + 1),
        ).fetchone()
        return Selection(after, newest, (count, size) if count <= MOST_COUNTED else None)

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return up to ``limit`` messages with ``after < stamp <= newest``, oldest first."""
        return read_joined(self.connection, hash_drop_id(drop_id), after, newest, limit)

    def insert(self, post: Post) -> int:
        """Insert a message, whether there is room for it or not, by ``flush``; return its stamp."""
        place = post.place
        count = self.count(place)
        stamp = max(int(self._now() * SECOND), self.latest + 1)
        self._pending.add(self.connection, stamp, place, post.body)
        self.latest = stamp
        self._counts.note(place, count + 1)
        self._newest.note(place, stamp)
        self.holdings.came(stamp, place, post.source, charge(len(post.body)))
        return stamp

    def flush(self) -> None:
        """Insert what is not inserted yet."""
        self._pending.flush(self.connection)

    def count(self, place: bytes) -> int:
        """Return how many messages a drop has, given its hash."""
        return self._counts.find(place, self._read_count)

    def _read_count(self, place: bytes) -> int:
        self.flush()
        (count,) = self.connection.execute(
            "SELECT count(*) FROM message WHERE place = ? AND stamp > ?", (place, self.passed)
        ).fetchone()
        return int(count)

    def stamps(self, place: bytes) -> Iterable[int]:
        """Return the stamps of the messages of a drop, given its hash, in order."""
        self.flush()
        rows = self.connection.execute(
            "SELECT stamp FROM message WHERE place = ? AND stamp > ? ORDER BY stamp",
            (place, self.passed),
        )
        return [stamp for (stamp,) in rows]

    def newest_until(self, stamp: int) -> int | None:
        """Return the stamp of the newest message up to a stamp; None if there is none."""
        self.flush()
        (newest,) = self.connection.execute(
            "SELECT max(stamp) FROM message WHERE stamp <= ? AND stamp > ?", (stamp, self.passed)
        ).fetchone()
        return None if newest is None else int(newest)

    def delete_one(self, stamp: int) -> bool:
        """Delete a message; return whether it was there."""
        self.flush()
        row = self.connection.execute(
            "SELECT stamp, size, place FROM message WHERE stamp = ?", (stamp,)
        ).fetchone()
        return row is not None and self.delete([row]) == 1

    def delete_oldest_in(self, place: bytes, most: int) -> int:
        """Delete the oldest messages of a drop, as many as asked, a batch at most."""
        return self._delete_oldest("place = ? AND", (place,), min(most, DELETE_BATCH))

    def _read_newest(self, place: bytes) -> int | None:
        row = self.connection.execute(
            "SELECT stamp FROM message WHERE place = ? ORDER BY stamp DESC LIMIT 1", (place,)
        ).fetchone()
        return None if row is None else int(row[0])

    def enforce_quota(self, rounds: int = 16, batch: int = DELETE_BATCH) -> int:
        """Delete the oldest messages of all drops until the rest fits the quota; return how many.

        That is so after the quota was lowered, and takes more than one call.
        """
        deleted = 0
        for _ in range(rounds):
            excess = self.holdings.charged - self._retention.quota
            if excess <= 0:
                break
            at_least = -(-excess // charge(MESSAGE_LIMIT))
            deleted += self._delete_oldest("", (), min(at_least, batch))
        return deleted

    def delete_expired(self, batch: int = DELETE_BATCH) -> int:
        """Delete some messages that are too old; return how many."""
        return self._delete_oldest("stamp < ? AND", (self._horizon(),), batch)

    def find_due(self) -> Place | None:
        """Return where the oldest message is, if it should be deleted.

        Those on damaged pages are passed over. Reads only, and is slow where pages are damaged.
        """
        if not self._is_readable(self.passed):
            self.passed = self._find_end_of_damage()
        row = self._first_after(self.passed)
        is_due = row is not None and (
            row[0] < self._horizon() or self.holdings.charged > self._retention.quota
        )
        return row if is_due else None

    def delete(self, rows: list[Place]) -> int:
        """Delete messages; return how many."""
        self.connection.executemany(
            "DELETE FROM message WHERE stamp = ?", ((stamp,) for stamp, _, _ in rows)
        )
        for stamp, size, place in rows:
            self.holdings.went(stamp, place, charge(size))
            self._counts.change(place, lambda count: count - 1)
            self._newest.forget(place)
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

    def _first_after(self, stamp: int) -> Place | None:
        row: Place | None = self.connection.execute(
            "SELECT stamp, size, place FROM message WHERE stamp > ? ORDER BY stamp LIMIT 1",
            (stamp,),
        ).fetchone()
        return row

    def _horizon(self) -> int:
        return int((self._now() - self._retention.lifetime) * SECOND)

    def _delete_oldest(self, where: str, parameters: tuple[object, ...], limit: int) -> int:
        self.flush()
        rows = self.connection.execute(
            f"SELECT stamp, size, place FROM message WHERE {where} stamp > ?"  # noqa: S608
            f" ORDER BY stamp LIMIT {limit:d}",
            (*parameters, self.passed),
        ).fetchall()
        return self.delete(rows)


def count_charged(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many messages there are, and what all of them are charged."""
    # The index has the sizes, so that the messages themselves need not be read.
    messages, charged = connection.execute(
        "SELECT count(*), coalesce(sum(max(size, ?) + ?), 0)"
        " FROM message INDEXED BY message_of_place",
        (MESSAGE_SIZE, MESSAGE_COST),
    ).fetchone()
    return messages, charged


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error says that a page of the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_disk_full(error: sqlite3.Error) -> bool:
    """Return whether an error says that the disk has no space."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK_FULL
