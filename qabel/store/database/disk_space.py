"""Whether there is room on a disk: tried out, since quotas and limits show in no other way."""

import errno
import os
import tempfile
from pathlib import Path

ENOUGH = 1024 * 1024
"""Bytes: where no more than these can be written, the disk counts as full."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says of a full disk, a quota that is used up, and a limit on a file's size."""


def has_room(path: Path) -> bool:
    """Tell whether a database at ``path``, or the log beside it, could grow.

    Blocks: writes to a file without a name, past the place where the larger of the two ends.
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
