"""The messages of a drop server, in a SQLite file: kept, given, and let go of, oldest first.

All of it blocks: it runs on the thread of `qabel.dropserver.message_store`.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

from qabel.dropserver.message_tables import open_file
from qabel.dropserver.stamps import SECOND

DAY = 24 * 60 * 60

MESSAGE_LIMIT = 2573
"""Bytes that a message may have: what the deployed servers take."""

MESSAGE_COST = 128
"""Bytes that a message costs besides its own, so that a flood of tiny ones is bounded too."""

DELETE_BATCH = 256
"""Messages let go of in one transaction: it bounds how long others wait."""


@attrs.frozen(kw_only=True)
class Retention:
    """How long and how many messages are kept."""

    lifetime: float = 7 * DAY
    """Seconds."""
    quota: int = 1024 * 1024 * 1024
    """Bytes of all messages together, with what storing them costs."""
    drop_quota: int = 100_000
    """Messages in one drop."""


@attrs.frozen
class Selection:
    """The messages of one drop that are newer than some stamp, as they are at one moment."""

    after: int
    """The stamp that all of them are newer than."""
    newest: int
    """The stamp of the last of them."""
    count: int
    size: int
    """The bytes of all of them together."""


@attrs.frozen
class Since:
    """What a reader has: all that is not newer than this stamp."""

    stamp: int
    is_ours: bool = True
    """Whether it is a stamp that a server gave, and not a time of day."""


Row = tuple[int, bytes]
"""A message: its stamp and its bytes."""


class MessageFile:
    """The messages of all drops, in one file, used by one thread at a time.

    ``now`` gives seconds since the epoch. The constructor raises StartError.
    """

    def __init__(
        self, path: Path, limits: Retention, *, now: Callable[[], float] = time.time
    ) -> None:
        self._limits = limits
        self._now = now
        self._connection = open_file(path)
        self._latest = self._charged = 0
        self._read_state()

    def close(self) -> None:
        """Close the file, folding its log into it."""
        self._connection.close()

    def append(self, messages: Iterable[tuple[str, bytes]]) -> list[int]:
        """Keep messages, each a drop id and bytes, in one commit; give their stamps.

        When it returns they are on the disk. Raises sqlite3.Error, and has kept none then.
        """
        with _Transaction(self):
            stamps = [self._insert(place_of(drop_id), body) for drop_id, body in messages]
            self._make_room()
        return stamps

    def select(self, drop_id: str, since: Since | None = None) -> Selection | None:
        """Tell what a drop holds that is newer than ``since``; None if nothing.

        A stamp greater than all that were ever given here came from another server, or from a file
        that is gone: it does not count, for it could hide what is to come.
        """
        known = since is not None and not (since.is_ours and since.stamp > self._latest)
        after = since.stamp if since is not None and known else -1
        place = place_of(drop_id)
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
        """Give messages of a drop with stamps past ``after`` up to ``newest``, oldest first."""
        return self._connection.execute(
            "SELECT stamp, body FROM message WHERE place = ? AND stamp > ? AND stamp <= ?"
            " ORDER BY stamp LIMIT ?",
            (place_of(drop_id), after, newest, limit),
        ).fetchall()

    def expire(self) -> int:
        """Let go of some of what is too old or too much; tell how many, 0 if there was nothing."""
        horizon = int((self._now() - self._limits.lifetime) * SECOND)
        with _Transaction(self):
            return self._delete_oldest("WHERE stamp < ?", (horizon,)) + self._make_room()

    def forget_deleted(self) -> None:
        """Empty the log, where messages that were deleted can still be found."""
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
        self._keep_drop_quota(place, number + 1)
        return stamp

    def _newest(self, place: bytes) -> tuple[int, int, int, int] | None:
        row: tuple[int, int, int, int] | None = self._connection.execute(
            "SELECT stamp, number, before, size FROM message WHERE place = ?"
            " ORDER BY stamp DESC LIMIT 1",
            (place,),
        ).fetchone()
        return row

    def _keep_drop_quota(self, place: bytes, newest_number: int) -> None:
        if newest_number <= self._limits.drop_quota:
            return
        (oldest,) = self._connection.execute(
            "SELECT number FROM message WHERE place = ? ORDER BY stamp LIMIT 1", (place,)
        ).fetchone()
        excess = newest_number - oldest + 1 - self._limits.drop_quota
        if excess > 0:
            self._delete_oldest("WHERE place = ?", (place,), limit=min(excess, DELETE_BATCH))

    def _make_room(self) -> int:
        """Let go of the oldest messages of all until the rest fits the quota; tell how many.

        After the quota was lowered it takes more than one call to get there.
        """
        gone = 0
        for _ in range(16):
            excess = self._charged - self._limits.quota
            if excess <= 0:
                break
            at_least = -(-excess // (MESSAGE_LIMIT + MESSAGE_COST))
            gone += self._delete_oldest("", (), limit=min(at_least, DELETE_BATCH))
        return gone

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

    def _read_state(self) -> None:
        self._latest, self._charged = self._connection.execute(
            "SELECT latest, charged FROM state"
        ).fetchone()

    def begin(self) -> None:
        """Begin a transaction."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit, and with it what is known of the whole file."""
        self._connection.execute(
            "UPDATE state SET latest = ?, charged = ?", (self._latest, self._charged)
        )
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo the transaction, in memory too."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._read_state()


@attrs.frozen
class _Transaction:
    _file: MessageFile

    def __enter__(self) -> None:
        self._file.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._file.commit()
            except sqlite3.Error:
                self._file.roll_back()
                raise
        else:
            self._file.roll_back()


def place_of(drop_id: str) -> bytes:
    """Give what stands for a drop in the file: who has only the file cannot post or poll."""
    return hashlib.blake2b(drop_id.encode("ascii"), digest_size=20).digest()
