"""The messages of a drop server in an SQLite file, which goes on when the disk is full or damaged.

All of this blocks: it runs on the thread of ``qabel.dropserver.message_store``.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.logger import Logger

from qabel.dropserver.admission import Admission, Full
from qabel.dropserver.asked_rows import AskedRows, load_asked
from qabel.dropserver.disk_reserve import DiskReserve
from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_expiry import MessageExpiry
from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_rows import (
    DELETE_BATCH,
    SMALL_BATCH,
    MessageRows,
    is_damage,
    is_disk_full,
)
from qabel.dropserver.message_tables import PAGE_SIZE, open_file
from qabel.dropserver.message_values import HALF_OF_DISK, Post, Retention, Row, Selection, Since
from qabel.dropserver.usage import LARGEST_SHARES, Usage, half_of_disk
from qabel.dropserver.write_ahead_log import allow_growth, checkpoint, forbid_growth
from qabel.host.start_errors import StartError

PAGES_EACH = 5
"""Pages that storing a message may change: two for itself, two for one that it displaces, and one
more for its drop."""

RETRY_INTERVAL = 5.0
"""Seconds between attempts to take the reserve again."""

T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class MessageFile:
    """The messages of all drops in one file, which one thread at a time may use.

    When the disk is full, it gives up the space that it holds in reserve, deletes what is due, and
    then stores new messages only in the space that deleted ones leave in the file: so what is
    written always gets from the log into the file, and deleting goes on. Once there is disk space
    again, it takes the reserve again, and the file may grow.

    Args:
        path: the file, created if it does not exist. The reserve is beside it.
        retention: how long messages are kept, and how many.
        now: returns seconds since the epoch.

    Raises:
        StartError: the file cannot be opened.

    """

    _path: Path
    _retention: Retention
    _now: Callable[[], float] = attrs.field(default=time.time, kw_only=True)
    _reserve: DiskReserve = attrs.field(init=False)
    _session: FileSession = attrs.field(init=False)
    _admission: Admission = attrs.field(init=False)
    _expiry: MessageExpiry = attrs.field(init=False)
    _asked: AskedRows = attrs.field(init=False)
    _is_full: bool = attrs.field(default=False, init=False)
    """Whether the disk is full: the reserve is given up, and the file must not grow."""
    _retry_at: float = attrs.field(default=0.0, init=False)
    _logged: int = attrs.field(default=0, init=False)
    """Pages that may be in the log and not yet in the file."""

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._reserve = DiskReserve(self._path.with_suffix(".reserve"))
        try:
            connection = open_file(self._path)
        except StartError:
            # On a full disk there is no space for the files beside it that SQLite needs.
            self._reserve.give_up()
            connection = open_file(self._path)
        if self._retention.quota == HALF_OF_DISK:
            self._retention = attrs.evolve(self._retention, quota=half_of_disk(self._path))
        self._session = FileSession(self._path, MessageRows(connection, self._retention, self._now))
        self._rows.begin()
        self._admission = Admission(self._rows, self._retention)
        self._expiry = MessageExpiry(self._session)
        known = load_asked(connection, self._now())
        self._asked = AskedRows(self._session, self._retention.lifetime, known)
        if not self._reserve.take():
            with suppress(sqlite3.Error):
                self._run_full()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._session.connection

    @property
    def _rows(self) -> MessageRows:
        return self._session.rows

    @property
    def batch(self) -> int:
        """The number of messages to append at once at most, for the disk space that it needs."""
        return max(1, self._log_limit // PAGES_EACH) if not self._is_full else SMALL_BATCH // 2

    @property
    def _log_limit(self) -> int:
        """Pages in the log after which they are moved to the file: the reserve has space for both.

        As long as they are in the log alone, the file may have to grow for them.
        """
        return self._reserve.size // PAGE_SIZE // 2

    def close(self) -> None:
        """Close the file, with its write-ahead log merged into it."""
        with suppress(sqlite3.Error):
            while self.keep_asked():
                pass
        self._session.close()
        self._reserve.close()

    def append(self, posts: Iterable[Post]) -> list[int | Full]:
        """Store messages in one transaction; return their stamps, or why there is no room.

        When it returns, they are on the disk. When it raises sqlite3.Error, none is stored.
        """
        given = list(posts)
        self._recover()
        try:
            stamps = self._despite_full_disk(lambda: self._append(given))
        except sqlite3.Error as error:
            if is_damage(error) and len(given) == 1:
                # It may be older messages that are damaged, which cannot be deleted.
                return self._append(given, enforce=False)
            raise
        self._settle()
        return stamps

    def select(self, drop_id: str, since: Since | None = None) -> Selection | None:
        """Return what a drop holds that is newer than ``since``; see ``MessageRows.select``."""
        self.note_asked([drop_id])
        with self._reading():
            return self._rows.select(drop_id, since)

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return up to ``limit`` messages with ``after < stamp <= newest``, oldest first."""
        with self._reading():
            return self._rows.read(drop_id, after, newest, limit)

    def expire(self) -> int:
        """Delete some messages that are too old or too many; return how many, 0 if none is left."""
        self._recover()
        try:
            deleted = self._despite_full_disk(self._expire)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            deleted = self._expiry.expire_readable()
        self._settle()
        return deleted

    def note_asked(self, drop_ids: Iterable[str]) -> None:
        """Note that somebody asks for drops, in memory."""
        self._asked.note(drop_ids)

    def keep_asked(self) -> bool:
        """Write some of what was noted to the file; return whether there is more.

        While the disk is full, it stays in memory.
        """
        self._recover()
        now, most = self._now(), max(1, self._log_limit // 4)
        rows = self._despite_full_disk(lambda: self._is_full or self._asked.store(now, most))
        self._logged += rows
        self._settle()
        return rows > 0 and not self._is_full

    def purge(self, purge: MessagePurge) -> MessagePurge:
        """Do a step of a purge; return it."""
        self._recover()
        deleted = self._despite_full_disk(
            lambda: purge.step(self._session, self._asked.drops, few=self._is_full)
        )
        self._logged += 2 * deleted
        self._settle()
        return purge

    def usage(self) -> Usage:
        """Return what the messages take. Raises sqlite3.Error if the file cannot be read."""
        with self._reading():
            self._rows.latest_stored()
        held = self._rows.holdings
        return Usage(
            held.messages,
            held.charged,
            self._retention.quota,
            held.everywhere.shares.heaviest(LARGEST_SHARES),
            self._is_full,
        )

    def forget_deleted(self) -> None:
        """Truncate the write-ahead log, which may still contain deleted messages.

        While the disk is full, the log keeps its space, which others could take otherwise.
        """
        self._recover()
        if self._is_full:
            checkpoint(self._connection, "RESTART")
        else:
            checkpoint(self._connection, "TRUNCATE")
            self._logged = 0
            if not self._reserve.take():
                self._run_full()

    def _append(self, posts: list[Post], *, enforce: bool = True) -> list[int | Full]:
        if self._is_full and not checkpoint(self._connection, "RESTART"):
            raise sqlite3.OperationalError("the disk is full")
        stamps: list[int | Full] = []
        with self._session.transaction():
            for post in posts:
                full = self._admission.make_room(post) if enforce else None
                stamps.append(full or self._rows.insert(post))
            if enforce and self._is_full:
                self._rows.enforce_quota(1, SMALL_BATCH)
            elif enforce:
                self._rows.enforce_quota()
            # A message is never in the file without what is known of its drop.
            parts = set() if self._is_full else self._asked.store_parts_of(posts)
        self._asked.drops.changed -= parts
        self._logged += PAGES_EACH * (1 + len(posts)) // 2
        return stamps

    def _expire(self) -> int:
        self._logged += 2 * (deleted := self._expiry.expire(few=self._is_full))
        return deleted

    def _despite_full_disk(self, work: Callable[[], T]) -> T:
        """Do something, and once more if the disk turns out to be full, now that it is known."""
        try:
            return work()
        except sqlite3.Error as error:
            if not is_disk_full(error):
                raise
            self._run_full()
            return work()

    def _settle(self) -> None:
        """Move the log to the file if it is long, so that the reserve is always enough for that."""
        if not self._is_full and self._logged < self._log_limit:
            return
        try:
            checkpoint(self._connection, "PASSIVE")
            self._logged = 0
        except sqlite3.Error as error:
            if not self._is_full and is_disk_full(error):
                with suppress(sqlite3.Error):
                    self._run_full()

    def _run_full(self) -> None:
        """Give up the reserve, and delete what is due. Raises sqlite3.Error if that fails too."""
        if not self._is_full:
            self._log.warn("The disk is full: messages are stored in the space of deleted ones.")
            self._is_full = True
            self._retry_at = time.monotonic() + RETRY_INTERVAL
        self._reserve.give_up()
        self._recover()
        with suppress(sqlite3.Error):
            checkpoint(self._connection, "RESTART")
        forbid_growth(self._connection)
        for _ in range(DELETE_BATCH // SMALL_BATCH):
            if not self._expire():
                return
            checkpoint(self._connection, "RESTART")

    def _recover(self) -> None:
        """Open the file again after an error that remains, and note if there is disk space again.

        Raises sqlite3.Error if the file cannot be opened.
        """
        if self._session.reopen() and self._is_full:
            forbid_growth(self._connection)
        if self._is_full and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + RETRY_INTERVAL
            if self._reserve.take():
                allow_growth(self._connection)
                self._is_full = False
                self._log.info("The disk has space again.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._recover()
        with self._session.reading():
            yield
