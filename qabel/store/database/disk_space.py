"""Free disk space, found out by writing: quotas and limits show in no other way."""

import errno
import os
import tempfile
from pathlib import Path

ENOUGH = 1024 * 1024
"""Bytes; a disk that cannot take these counts as full."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system's errors for a full disk, an exhausted quota, and a limit on a file's size."""


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
        return error.errno not in FULL
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
