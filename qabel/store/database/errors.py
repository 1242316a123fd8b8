"""Errors of the store: one family, each with one clear line for the user."""

import errno
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system's errors for a full disk, an exhausted quota, and a limit on a file's size."""

READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
"""The system's errors for what cannot be written."""


class StoreError(Exception):
    """The family; the text is one line for the user, with no secret in it."""


class WrongKey(StoreError):
    """The key does not open the database, which was not changed."""


class KeyTrouble(StoreError):
    """The place where the key is stored cannot be used: missing, malformed, or open to others."""


class KeyMissing(KeyTrouble):
    """No key is stored where one was expected."""


class NewerVersion(StoreError):
    """The database was written by a newer version of the daemon; it was not changed."""


class NotADatabase(StoreError):
    """The file is not a database of this daemon; it was not changed."""


class Corrupt(StoreError):
    """The database is damaged."""


class StoreFull(StoreError):
    """The disk is full; nothing was changed, and work continues once there is disk space."""


class DiskError(StoreError):
    """The disk failed to read or to write; it may also be full (see `disk_space.diagnose`)."""


class StoreClosed(StoreError):
    """The database is closed, or is closing."""


class Busy(StoreError):
    """Something else uses the database; this is to be tried again later."""


class ReadOnly(StoreError):
    """The file, its directory or its file system cannot be written."""


class FileReplaced(StoreError):
    """The file was deleted, or another one has its name: what is written would be lost."""


class AlreadyThere(StoreError):
    """A file is in the way; it was not changed."""


def damaged(path: Path) -> Corrupt:
    """Return the error for damage in the database at a path."""
    return Corrupt(_DAMAGED.format(path=path))


def translate(error: sqlcipher.Error | OSError, path: Path) -> StoreError:
    """Return the error of this family for one of SQLite or of the file system.

    Args:
        error: what was raised while the database at ``path`` was used.
        path: the database file, named in the text.

    """
    if isinstance(error, OSError):
        if error.errno in NO_SPACE:
            return StoreFull(_FULL.format(path=path))
        if error.errno in READ_ONLY:
            return ReadOnly(_NOT_WRITABLE.format(path=path))
        return StoreError(f"{path}: {error.strerror or error}.")
    name = getattr(error, "sqlite_errorname", "") or _NAMES.get(str(error), "")
    for start, kind, text in _KINDS:
        if name.startswith(start):
            return kind(text.format(path=path))
    # The text of SQLite names tables and columns, never values.
    kind = DiskError if name.startswith("SQLITE_IOERR") else StoreError
    return kind(f"{path}: {error} ({name or type(error).__name__}).")


_NAMES = {
    "database or disk is full": "SQLITE_FULL",
    "disk I/O error": "SQLITE_IOERR",
    "database disk image is malformed": "SQLITE_CORRUPT",
    "file is not a database": "SQLITE_NOTADB",
    "database is locked": "SQLITE_BUSY",
    "unable to open database file": "SQLITE_CANTOPEN",
    "interrupted": "SQLITE_INTERRUPT",
}
"""The driver omits the names where copying a database fails."""

_DAMAGED = (
    "The database {path} is damaged; it was not changed. Stop the daemon, and restore a backup, or "
    "copy what can be read: qabel salvage --data-dir OLD --to NEW."
)
_FULL = "No space left on the disk that holds {path}; nothing was changed."
_IN_USE = "{path} is in use by another process."
_NOT_WRITABLE = (
    "{path} cannot be written; check whether its disk is read-only, and the permissions of the "
    "file and of its directory."
)
_INTERRUPTED = "The database was closed before this was done."
_KINDS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("SQLITE_FULL", StoreFull, _FULL),
    ("SQLITE_CORRUPT", Corrupt, _DAMAGED),
    ("SQLITE_NOTADB", Corrupt, _DAMAGED),
    ("SQLITE_INTERRUPT", StoreClosed, _INTERRUPTED),
    # What the disk cannot read is lost like what was overwritten.
    ("SQLITE_IOERR_READ", Corrupt, _DAMAGED),
    ("SQLITE_IOERR_SHORT_READ", Corrupt, _DAMAGED),
    ("SQLITE_IOERR_CORRUPTFS", Corrupt, _DAMAGED),
    ("SQLITE_BUSY", Busy, _IN_USE),
    ("SQLITE_LOCKED", Busy, _IN_USE),
    ("SQLITE_CANTOPEN", DiskError, _NOT_WRITABLE),
    ("SQLITE_READONLY", ReadOnly, _NOT_WRITABLE),
    ("SQLITE_PERM", ReadOnly, _NOT_WRITABLE),
)
