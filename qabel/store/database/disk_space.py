"""Free disk space, found out by writing: quotas and limits show in no other way."""

import errno
import os
import tempfile
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.errors import NO_SPACE, DiskError, StoreError, translate
from qabel.store.database.file_state import is_read_only

ENOUGH = 1024 * 1024
"""Bytes; a disk that cannot take these counts as full."""


def has_disk_space(path: Path) -> bool:
    """Return whether a database at ``path``, or its write-ahead log, can grow.

    Blocks: writes to a nameless file, past the offset where the larger of the two ends.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.seek(max(map(_size, (path, path.with_name(path.name + "-wal")))))
            file.write(os.urandom(ENOUGH))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in NO_SPACE
    return True


def diagnose(error: sqlcipher.Error | OSError, path: Path) -> StoreError:
    """Return the error of the store for one of SQLite, looking at the disk where that tells more.

    It may be read-only, or full: SQLite recognizes a full disk, but neither an exhausted quota nor
    a limit on a file's size: it reports these as I/O errors. Blocks where there was one, as
    `has_disk_space` does.

    Args:
        error: what was raised while the database at ``path`` was used.
        path: the database file, named in the text.

    """
    found = translate(error, path)
    if isinstance(found, DiskError):
        if is_read_only(path):
            return translate(OSError(errno.EROFS, ""), path)
        if not has_disk_space(path):
            return translate(OSError(errno.ENOSPC, ""), path)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
