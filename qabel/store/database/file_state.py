"""Whether a database can be written, and is still there: found out without writing anything."""

import os
from pathlib import Path

import attrs

from qabel.store.database.errors import READ_ONLY, FileReplaced, ReadOnly, StoreFull
from qabel.store.database.log_file import log_path

LEAST_SPACE = 1024 * 1024
"""Bytes; a disk with less counts as full."""

_REPLACED = (
    "{path} was deleted, or another file has its name. Put it back, or restart the daemon with the "
    "file that is there."
)

Identity = tuple[int, int]
"""Device and inode of a file."""


def identity(path: Path) -> Identity | None:
    """Return the identity of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_read_only(path: Path) -> bool:
    """Return whether a database, its log or its directory cannot be written.

    A disk that the system made read-only after an error shows that only when a file is opened.
    That is tried with the log: closing the database itself would release SQLite's locks on it.
    """
    existing = [each for each in (path, log_path(path)) if each.exists()]
    if not all(os.access(each, os.W_OK) for each in (path.parent, *existing)):
        return path.parent.exists()
    try:
        os.close(os.open(log_path(path), os.O_WRONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in READ_ONLY
    return False


def has_no_space(path: Path) -> bool:
    """Return whether the file system of a path says that it is full."""
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return False
    free = status.f_bfree if os.geteuid() == 0 else status.f_bavail
    # Some file systems do not tell.
    return status.f_blocks > 0 and free * status.f_frsize < LEAST_SPACE


@attrs.define(eq=False)
class FileState:
    """The files of an open database: whether they are still those that were opened."""

    path: Path
    _database: Identity | None = attrs.field(default=None, init=False)
    _log: Identity | None = attrs.field(default=None, init=False)
    """None until there is a log."""

    def note_opened(self) -> None:
        """Note which file was opened."""
        self._database, self._log = identity(self.path), None

    @property
    def is_replaced(self) -> bool:
        """Whether the file was deleted, or another one has its name."""
        return identity(self.path) != self._database

    @property
    def has_lost_log(self) -> bool:
        """Whether the write-ahead log was deleted or replaced; SQLite goes on writing to it."""
        found = identity(log_path(self.path))
        if self._log is None:
            self._log = found
        return found != self._log

    def replaced(self) -> FileReplaced:
        """Return the error of a file that was deleted or replaced."""
        return FileReplaced(_REPLACED.format(path=self.path))

    def check_replaced(self) -> None:
        """Raise FileReplaced if the file was deleted or replaced."""
        if self.is_replaced:
            raise self.replaced()

    def check_writable(self) -> None:
        """Raise FileReplaced, ReadOnly or StoreFull if nothing can be written."""
        self.check_replaced()
        if is_read_only(self.path):
            raise ReadOnly(
                f"{self.path} cannot be written: the disk or the file is read-only. Check its "
                "disk, and the permissions of the file and of its directory."
            )
        if has_no_space(self.path):
            raise StoreFull(f"No space left on the disk that holds {self.path}.")
