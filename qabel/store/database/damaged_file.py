"""A damaged database, copied so that what is left of it can be read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import attrs

from qabel.host.private_files import create_private
from qabel.store.database.connection import connect, fetch_one
from qabel.store.database.errors import NotADatabase
from qabel.store.database.log_file import committed_frames, log_path
from qabel.store.database.overflow import overflows
from qabel.store.database.pages import (
    LOCK_PAGE,
    PAGE_SIZE,
    SALT_SIZE,
    PageCipher,
    page_count,
)

_UNREADABLE = b"\xff" * PAGE_SIZE
"""The content of no page that SQLite reads."""

_NO_PAGE = b"\xff" * 4
"""The number of no page."""

_MOST_MISSING = 1 << 20
"""Pages that may be added to a truncated file."""

Progress = Callable[[str], object]


def copy_damaged(path: Path, target: Path) -> None:
    """Copy a closed database and its log, as far as the disk reads them. Raises OSError.

    Args:
        path: the database, which is not changed.
        target: the file to create.

    """
    _copy_readable(path, target)
    if log_path(path).exists():
        _copy_readable(log_path(path), log_path(target))


def _copy_readable(path: Path, target: Path) -> None:
    create_private(target)
    with path.open("rb", buffering=0) as source, target.open("wb") as copy:
        size = os.fstat(source.fileno()).st_size
        for start in range(0, size, PAGE_SIZE):
            wanted = min(PAGE_SIZE, size - start)
            try:
                block = os.pread(source.fileno(), wanted, start)
            except OSError:
                block = b""
            copy.write(block.ljust(wanted, b"\xff"))


def merge_log(path: Path, key: bytes) -> int:
    """Merge the log of a copied database; return how many of its transactions are damaged.

    Raises an error of SQLite.
    """
    commits = committed_frames(path)
    _extend(path, key)
    connection = connect(path, key)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        _, merged, _ = fetch_one(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
    return sum(1 for each in commits if each > merged)


def _extend(path: Path, key: bytes) -> None:
    """Add the pages that a truncated file lacks: SQLite reads nothing of a file without them."""
    with path.open("r+b") as file:
        start = file.read(SALT_SIZE)
        if len(start) < SALT_SIZE:
            return
        first = _Pages(file, PageCipher(key, start)).read(1)
        present = os.fstat(file.fileno()).st_size // PAGE_SIZE
        file.seek(present * PAGE_SIZE)
        if first is None:
            return
        missing = min(page_count(first) - present, _MOST_MISSING)
        for _ in range(missing):
            file.write(_UNREADABLE)
        file.truncate((present + max(missing, 0)) * PAGE_SIZE)


@attrs.define(eq=False)
class _Pages:
    """The pages of a copied database, as they are read and replaced."""

    _file: BinaryIO
    _cipher: PageCipher
    bad: set[int] = attrs.field(factory=set, init=False)

    def read(self, number: int) -> bytes | None:
        """Return the content of a page; None if it is damaged or missing."""
        self._file.seek((number - 1) * PAGE_SIZE)
        page = self._file.read(PAGE_SIZE)
        # SQLCipher takes a page of zeros for one that is not written yet.
        if len(page) < PAGE_SIZE or not self._cipher.is_genuine(page, number):
            return None
        return self._cipher.decrypt(page, number)

    def write(self, content: bytes, number: int) -> None:
        """Replace a page."""
        self._file.seek((number - 1) * PAGE_SIZE)
        self._file.write(self._cipher.encrypt(content, number))

    def cut_rows(self, number: int) -> None:
        """Make the rows of a page unreadable that continue on a damaged page.

        SQLCipher reads such a page as zeros, and reports the damage too late.
        """
        content = self.read(number)
        for at, count in overflows(content or bytes(PAGE_SIZE), is_first=number == 1):
            self._cut(number, at, count)

    def _cut(self, holder: int, at: int, left: int) -> None:
        """Follow the pages of a row; replace the number of the first damaged one."""
        while left and (content := self.read(holder)) is not None:
            following = int.from_bytes(content[at : at + 4], "big")
            if following in self.bad:
                self.write(content[:at] + _NO_PAGE + content[at + 4 :], holder)
                return
            holder, at, left = following, 0, left - 1


def mark_unreadable(path: Path, key: bytes, progress: Progress) -> frozenset[int]:
    """Return the numbers of the damaged pages of a copied database, and make them unreadable.

    SQLite then reports each row that is on one of them as damaged, and no other.

    Raises OSError, or NotADatabase if the first page cannot be read.
    """
    with path.open("r+b") as file:
        pages = _Pages(file, PageCipher(key, file.read(SALT_SIZE)))
        first = pages.read(1)
        if first is None:
            raise NotADatabase(
                "Nothing can be salvaged: the key is wrong, or the first page of the database is "
                "damaged. Restore a backup with qabel restore."
            )
        present = -(-os.fstat(file.fileno()).st_size // PAGE_SIZE)
        last = max(present, min(page_count(first), present + _MOST_MISSING))
        for number in range(2, last + 1):
            if number % 4096 == 0:
                progress(f"checking page {number} of {last}")
            if number != LOCK_PAGE and pages.read(number) is None:
                pages.bad.add(number)
        for number in pages.bad:
            pages.write(_UNREADABLE, number)
        if pages.bad:
            for number in range(1, last + 1):
                if number not in pages.bad and number != LOCK_PAGE:
                    pages.cut_rows(number)
    return frozenset(pages.bad)
