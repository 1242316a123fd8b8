"""Clear a database file of what was deleted: its write-ahead log, and the unused parts of pages."""

import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.errors import Busy, damaged
from qabel.store.database.log_file import LogReader, pages_in_log
from qabel.store.database.pages import (
    LOCK_PAGE,
    PAGE_SIZE,
    SALT_SIZE,
    PageCipher,
    cleared,
    has_page_maps,
    is_page_map,
)

LOG_LIMIT = 4000
"""Pages in the log after which it is merged into the file: about 16 MiB."""

PAGES_AT_ONCE = 500
"""Pages examined in one job: some hundredths of a second at most."""


@attrs.define(eq=False)
class Clearing:
    """What may still show in one open database file, on the database's thread.

    SQLite copies pages into the log, and rows to other pages. Both are noted here, from the log,
    before it is begun anew: SQLite must not do that by itself.

    The file is read through a descriptor that stays open as long as the connection: closing one
    would release the locks that SQLite has on the file.
    """

    path: Path
    _log: LogReader = attrs.field(init=False)
    _file: int | None = attrs.field(default=None, init=False)
    _unclear: set[int] = attrs.field(factory=set, init=False)
    """The numbers of the pages that were written and not examined since."""

    @_log.default
    def _log_of_path(self) -> LogReader:
        return LogReader(self.path)

    def release(self) -> None:
        """Close the files, once the connection is closed."""
        self._log.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def is_done(self) -> bool:
        """Whether there is no page to examine."""
        return not self._unclear

    @property
    def size(self) -> int:
        """How many pages the file has."""
        return os.fstat(self._descriptor()).st_size // PAGE_SIZE

    def begin(self) -> None:
        """Examine all pages of the file, as their past is not known."""
        self._unclear = set(range(1, self.size + 1))

    def note_log(self) -> None:
        """Note what is in the log, before closing merges it into the file. Raises OSError."""
        self._unclear |= self._log.new_pages()

    def limit_log(self, connection: Connection) -> None:
        """Merge the log into the file if it has grown long; the next transaction begins it anew.

        While it is being read, only a part is merged. Raises OSError, or an error of SQLite.
        """
        self._unclear |= self._log.new_pages()
        if self._log.length >= LOG_LIMIT:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def empty_log(self, connection: Connection) -> None:
        """Merge the log into the file, and make it empty.

        Raises Busy while it is being read, OSError, or an error of SQLite.
        """
        self._unclear |= self._log.new_pages()
        self.merge_log(connection)

    def merge_log(self, connection: Connection) -> None:
        """Do the same with a log whose pages need not be examined."""
        self._log.new_pages()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            busy, _, _ = fetch_one(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {connection.patience}")
        if busy:
            raise Busy("The log of the database is being read by another process or a backup.")

    def examine(self, key: bytes, limit: int = PAGES_AT_ONCE) -> Mapping[int, bytes]:
        """Examine some pages; return new ones, encrypted, for those that show too much.

        The log must be empty. Raises OSError.
        """
        numbers = sorted(self._unclear)[:limit]
        self._unclear.difference_update(numbers)
        file = self._descriptor()
        first = os.pread(file, PAGE_SIZE, 0)
        cipher = PageCipher(key, first[:SALT_SIZE])
        has_maps = len(first) == PAGE_SIZE and has_page_maps(cipher.decrypt(first, 1))
        found = {}
        for number in numbers:
            if has_maps and is_page_map(number):
                continue
            page = os.pread(file, PAGE_SIZE, (number - 1) * PAGE_SIZE)
            # The log may have pages that the file no longer has.
            if len(page) < PAGE_SIZE:
                continue
            content = cipher.decrypt(page, number)
            clear = cleared(content, is_first=number == 1)
            # What has another format, or is damaged, stays as it is.
            if clear != content and cipher.is_genuine(page, number):
                found[number] = cipher.encrypt(clear, number)
        return found

    def check(self, key: bytes, first: int) -> int | None:
        """Check that some pages can be read, from a number on; return the next, None at the end.

        Pages in the log count as whole: they replace those of the file. Raises Corrupt or OSError.
        """
        file, last = self._descriptor(), min(first + PAGES_AT_ONCE - 1, self.size)
        cipher = PageCipher(key, os.pread(file, SALT_SIZE, 0))
        for number in range(first, last + 1):
            page = os.pread(file, PAGE_SIZE, (number - 1) * PAGE_SIZE)
            is_whole = number == LOCK_PAGE or cipher.is_genuine(page, number)
            if not is_whole and number not in pages_in_log(self.path):
                raise damaged(self.path)
        return last + 1 if last < self.size else None

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self._file
