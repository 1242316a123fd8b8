"""Disk space kept in reserve, so that messages can be deleted when the disk is full.

Deleting needs space itself: SQLite writes each change to its log first.
"""

import contextlib
import errno
import os
from pathlib import Path

import attrs

LARGEST = 16 * 1024 * 1024
"""Bytes of the reserve, on a disk that is not small."""

SMALLEST = 256 * 1024
"""Bytes of the reserve on the smallest disk."""

_SHARE = 8
"""The reserve is no larger than this part of the disk."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@attrs.define(eq=False)
class DiskReserve:
    """A file without content, which is given up when its space is needed.

    The file is kept open: whoever deletes it does not get its space.

    Args:
        path: the file.

    """

    _path: Path
    size: int = attrs.field(init=False)
    """Bytes of the file."""
    _descriptor: int | None = attrs.field(default=None, init=False)
    """The open file, if the space is reserved."""

    def __attrs_post_init__(self) -> None:
        disk = os.statvfs(self._path.parent)
        self.size = min(LARGEST, max(SMALLEST, disk.f_blocks * disk.f_frsize // _SHARE))

    def take(self) -> bool:
        """Reserve the space, unless it is reserved already; return False if the disk is too full.

        Some space must remain: a reserve that fills the disk would be given up again at once.
        Other reasons for which the file cannot be written do not count as a full disk.
        """
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink:
            return True
        try:
            descriptor = self._open_existing()
            if descriptor is None:
                descriptor = self._create()
        except OSError as error:
            # What is reserved under no name is kept until it can be replaced.
            return self._descriptor is not None or error.errno not in _NO_SPACE
        self.close()
        self._descriptor = descriptor
        return True

    def give_up(self) -> None:
        """Return the space to the disk. Does nothing if it is not reserved."""
        # A program that has the file open, such as a backup, keeps its space until it is truncated.
        with contextlib.suppress(OSError):
            if self._descriptor is None:
                os.truncate(self._path, 0)
            else:
                os.ftruncate(self._descriptor, 0)
        with contextlib.suppress(OSError):
            self._path.unlink()
        self.close()

    def close(self) -> None:
        """Leave the file as it is, for the next start."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open_existing(self) -> int | None:
        """Return the open file, if it is there with its whole size, as the last run left it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if os.fstat(descriptor).st_size == self.size:
            return descriptor
        os.close(descriptor)
        self._path.unlink()
        return None

    def _create(self) -> int:
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self.size + self.size // 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, self.size)
            else:
                for _ in range(0, self.size, SMALLEST):
                    os.write(descriptor, bytes(SMALLEST))
        except OSError:
            os.close(descriptor)
            self._path.unlink(missing_ok=True)
            raise
        return descriptor
