"""The write-ahead log of SQLite as a file: which pages it has, and how one is written.

The format is described at https://www.sqlite.org/walformat.html. When a database is opened whose
log ends with a complete transaction, SQLite applies that: all of its pages, or none of them.
"""

import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path

import attrs

from qabel.host.private_files import create_private, sync
from qabel.store.database.pages import PAGE_SIZE

_MAGIC = 0x377F0683
"""Says that the words of the checksums are big-endian."""

_VERSION = 3007000
_HEADER_SIZE = 32
_FRAME_HEADER_SIZE = 24
_FRAME_SIZE = _FRAME_HEADER_SIZE + PAGE_SIZE
_SALTS = slice(16, 24)
_FRAME_SALTS = slice(8, 16)


def log_path(path: Path) -> Path:
    """Return the path of the log of a database."""
    return path.with_name(path.name + "-wal")


@attrs.define(eq=False)
class LogReader:
    """Reads which pages are added to the log of an open database."""

    _path: Path
    length: int = attrs.field(default=0, init=False)
    """Pages in the log since it was begun, as far as they were read."""
    _salts: bytes = attrs.field(default=b"", init=False)
    _file: int | None = attrs.field(default=None, init=False)

    def new_pages(self) -> set[int]:
        """Return the numbers of the pages that were added since the last call. Raises OSError."""
        if self._file is None:
            try:
                self._file = os.open(log_path(self._path), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return set()
        header = os.pread(self._file, _HEADER_SIZE, 0)
        if header[_SALTS] != self._salts:
            self._salts, self.length = header[_SALTS], 0
        found = set()
        # What was there before the log was begun anew has other salts.
        while self._salts:
            start = os.pread(self._file, _FRAME_HEADER_SIZE, _frame(self.length))
            if start[_FRAME_SALTS] != self._salts:
                break
            found.add(int.from_bytes(start[:4], "big"))
            self.length += 1
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file, self._salts, self.length = None, b"", 0


def pages_in_log(path: Path) -> set[int]:
    """Return the numbers of all pages in the log of an open database. Raises OSError."""
    reader = LogReader(path)
    try:
        return reader.new_pages()
    finally:
        reader.close()


def committed_frames(path: Path) -> list[int]:
    """Return the numbers of the frames, from 1, that end a transaction, whether whole or damaged.

    Raises OSError.
    """
    found: list[int] = []
    try:
        file = log_path(path).open("rb")
    except FileNotFoundError:
        return found
    with file:
        salts = file.read(_HEADER_SIZE)[_SALTS]
        while len(frame := file.read(_FRAME_SIZE)) == _FRAME_SIZE and frame[_FRAME_SALTS] == salts:
            number = (file.tell() - _HEADER_SIZE) // _FRAME_SIZE
            if int.from_bytes(frame[4:8], "big"):
                found.append(number)
    return found


def write_log(path: Path, pages: Mapping[int, bytes], size: int) -> None:
    """Write the log of a closed database that has none, durably: one transaction.

    Args:
        path: the database.
        pages: the new pages by their numbers, encrypted.
        size: how many pages the database has.

    Raises:
        FileExistsError or another OSError.

    """
    header = struct.pack(">4I", _MAGIC, _VERSION, PAGE_SIZE, 0) + secrets.token_bytes(8)
    sums = _checksum(header, (0, 0))
    parts = [header, struct.pack(">2I", *sums)]
    for position, (number, page) in enumerate(pages.items(), 1):
        start = struct.pack(">2I", number, size if position == len(pages) else 0)
        sums = _checksum(start + page, sums)
        parts += [start, header[_SALTS], struct.pack(">2I", *sums), page]
    log = log_path(path)
    create_private(log)
    with log.open("r+b") as file:
        file.write(b"".join(parts))
    sync(log)


def _frame(number: int) -> int:
    """Return where a frame begins, which is a page with its header."""
    return _HEADER_SIZE + number * _FRAME_SIZE


def _checksum(data: bytes, before: tuple[int, int]) -> tuple[int, int]:
    first, second = before
    words = struct.unpack(f">{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
