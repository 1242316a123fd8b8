"""The messages of a drop server in an SQLite file: stored, read, and deleted, oldest first.

All of this blocks: it runs on the thread of ``qabel.dropserver.message_store``.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from qabel.dropserver.message_tables import open_file
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
class MessageFile:
    """The messages of all drops in one file, which one thread at a time may use.

    Args:
        path: the file, created if it does not exist.
        retention: how long messages are kept, and how many.
        now: returns seconds since the epoch.

    Raises:
        StartError: the file cannot be opened.

    """

    _path: Path
    _retention: Retention
    _now: Callable[[], float] = attrs.field(default=time.time, kw_only=True)
    _connection: sqlite3.Connection = attrs.field(init=False)
    _latest: int = attrs.field(default=0, init=False)
    """The greatest stamp ever issued."""
    _charged: int = attrs.field(default=0, init=False)
    """The bytes that count against the quota."""

    def __attrs_post_init__(self) -> None:
        self._connection = open_file(self._path)
        self._load_state()

    def close(self) -> None:
        """Close the file, with its write-ahead log merged into it."""
        self._connection.close()

    def append(self, messages: Iterable[tuple[str, bytes]]) -> list[int]:
        """Store messages, given as drop id and bytes, in one transaction; return their stamps.

        When it returns, they are on the disk. When it raises sqlite3.Error, none is stored.
        """
        with self._transaction():
            stamps = [self._insert(hash_drop_id(drop_id), body) for drop_id, body in messages]
            self._enforce_quota()
        return stamps

    def select(self, drop_id: str, since: Since | None = None) -> Selection | None:
        """Return what a drop holds that is newer than ``since``; None if there is nothing.

        A stamp greater than all that this file ever issued came from another server, or from a file
        that was deleted. It is ignored, as it could hide messages that are yet to come.
        """
        known = since is not None and not (since.is_ours and since.stamp > self._latest)
        after = since.stamp if since is not None and known else -1
        place = hash_drop_id(drop_id)
        newest = self._newest(place)
        if newest is None or newest[0] <= after:
            return None
        stamp, number, before, size = newest
        oldest_number, oldest_before = self._connection.execute(
            "SELECT number, before FROM message WHERE place = ? AND stamp > ?"
            " ORDER BY stamp LIMIT 1",
            (place, after),
        ).fetchone()
        return Selection(after, stamp, number - oldest_number + 1, before + size - oldest_before)

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return up to ``limit`` messages with ``after < stamp <= newest``, oldest first."""
        return self._connection.execute(
            "SELECT stamp, body FROM message WHERE place = ? AND stamp > ? AND stamp <= ?"
            " ORDER BY stamp LIMIT ?",
            (hash_drop_id(drop_id), after, newest, limit),
        ).fetchall()

    def expire(self) -> int:
        """Delete some messages that are too old or too many; return how many, 0 if none is left."""
        horizon = int((self._now() - self._retention.lifetime) * SECOND)
        with self._transaction():
            return self._delete_oldest("WHERE stamp < ?", (horizon,)) + self._enforce_quota()

    def forget_deleted(self) -> None:
        """Truncate the write-ahead log, which may still contain deleted messages."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _insert(self, place: bytes, body: bytes) -> int:
        _, number, before, size = self._newest(place) or (0, 0, 0, 0)
        stamp = max(int(self._now() * SECOND), self._latest + 1)
        self._connection.execute(
            "INSERT INTO message (stamp, place, number, before, size, body)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (stamp, place, number + 1, before + size, len(body), body),
        )
        self._latest = stamp
        self._charged += len(body) + MESSAGE_COST
        self._enforce_drop_quota(place, number + 1)
        return stamp

    def _newest(self, place: bytes) -> tuple[int, int, int, int] | None:
        row: tuple[int, int, int, int] | None = self._connection.execute(
            "SELECT stamp, number, before, size FROM message WHERE place = ?"
            " ORDER BY stamp DESC LIMIT 1",
            (place,),
        ).fetchone()
        return row

    def _enforce_drop_quota(self, place: bytes, newest_number: int) -> None:
        if newest_number <= self._retention.drop_quota:
            return
        (oldest,) = self._connection.execute(
            "SELECT number FROM message WHERE place = ? ORDER BY stamp LIMIT 1", (place,)
        ).fetchone()
        excess = newest_number - oldest + 1 - self._retention.drop_quota
        if excess > 0:
            self._delete_oldest("WHERE place = ?", (place,), limit=min(excess, DELETE_BATCH))

    def _enforce_quota(self) -> int:
        """Delete the oldest messages of all drops until the rest fits the quota; return how many.

        After the quota was lowered, that takes more than one call.
        """
        deleted = 0
        for _ in range(16):
            excess = self._charged - self._retention.quota
            if excess <= 0:
                break
            at_least = -(-excess // (MESSAGE_LIMIT + MESSAGE_COST))
            deleted += self._delete_oldest("", (), limit=min(at_least, DELETE_BATCH))
        return deleted

    def _delete_oldest(
        self, where: str, parameters: tuple[object, ...], *, limit: int = DELETE_BATCH
    ) -> int:
        rows = self._connection.execute(
            f"SELECT stamp, size FROM message {where} ORDER BY stamp LIMIT {limit:d}",  # noqa: S608
            parameters,
        ).fetchall()
        self._connection.executemany(
            "DELETE FROM message WHERE stamp = ?", ((stamp,) for stamp, _ in rows)
        )
        self._charged -= sum(size + MESSAGE_COST for _, size in rows)
        return len(rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Run a transaction; an exception undoes it, in memory too."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute(
                "UPDATE state SET latest = ?, charged = ?", (self._latest, self._charged)
            )
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._load_state()
            raise

    def _load_state(self) -> None:
        self._latest, self._charged = self._connection.execute(
            "SELECT latest, charged FROM state"
        ).fetchone()


def hash_drop_id(drop_id: str) -> bytes:
    """Return what the file holds instead of a drop id: the file alone gives access to no drop."""
    return hashlib.blake2b(drop_id.encode("ascii"), digest_size=20).digest()
