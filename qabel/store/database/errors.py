"""What goes wrong with the disk: one family, each with one clear line for the user."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.disk_space import FULL, has_room


class StoreError(Exception):
    """The family: the text is one line for the user, with nothing secret in it."""


class WrongKey(StoreError):
    """The key does not open the database, which was left as it was."""


class KeyTrouble(StoreError):
    """The place where the key is kept cannot be used: missing, malformed, or open to others."""


class KeyMissing(KeyTrouble):
    """Nothing is kept where the key should be."""


class NewerVersion(StoreError):
    """The database was written by a newer version of the daemon; it was left as it was."""


class NotADatabase(StoreError):
    """The file is no database of this daemon; it was left as it was."""


class Corrupt(StoreError):
    """The database is damaged."""


class StoreFull(StoreError):
    """There is no room on the disk; nothing was changed, and it goes on when there is room."""


class StoreClosed(StoreError):
    """The store is closed, or is closing."""


class AlreadyThere(StoreError):
    """A file is in the way; it was left as it was."""


def translate(error: sqlcipher.Error | OSError, path: Path) -> StoreError:
    """Turn an error of SQLite or of the file system into one of this family.

    Args:
        error: what was raised while the database at ``path`` was used.
        path: the database file, named in the text.

    """
    if isinstance(error, OSError):
        return (
            _full(path)
            if error.errno in FULL
            else StoreError(f"{path}: {error.strerror or error}.")
        )
    name = getattr(error, "sqlite_errorname", "") or _NAMES.get(str(error), "")
    # What SQLite knows as full is the disk, but neither a quota nor a limit on a file's size.
    if name.startswith("SQLITE_IOERR") and not has_room(path):
        return _full(path)
    for start, kind, text in _KINDS:
        if name.startswith(start):
            return kind(text.format(path=path))
    # The text of SQLite names tables and columns, never values.
    return StoreError(f"{path}: {error} ({name or type(error).__name__}).")


_NAMES = {
    "database or disk is full": "SQLITE_FULL",
    "disk I/O error": "SQLITE_IOERR",
    "database disk image is malformed": "SQLITE_CORRUPT",
    "file is not a database": "SQLITE_NOTADB",
    "database is locked": "SQLITE_BUSY",
    "unable to open database file": "SQLITE_CANTOPEN",
    "interrupted": "SQLITE_INTERRUPT",
}
"""The driver leaves them out where copying a database fails."""

_DAMAGED = "{path} is damaged; it was left as it is. Stop the daemon and put a backup in its place."
_FULL = "There is no room left on the disk that holds {path}; nothing was changed."
_IN_USE = "{path} is in use by another process."
_NOT_WRITABLE = "{path} cannot be written; mend its permissions, or its directory's."
_KINDS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("SQLITE_FULL", StoreFull, _FULL),
    ("SQLITE_CORRUPT", Corrupt, _DAMAGED),
    ("SQLITE_NOTADB", Corrupt, _DAMAGED),
    ("SQLITE_INTERRUPT", StoreClosed, "The store was closed before this was done."),
    ("SQLITE_BUSY", StoreError, _IN_USE),
    ("SQLITE_LOCKED", StoreError, _IN_USE),
    ("SQLITE_CANTOPEN", StoreError, _NOT_WRITABLE),
    ("SQLITE_READONLY", StoreError, _NOT_WRITABLE),
    ("SQLITE_PERM", StoreError, _NOT_WRITABLE),
)


def _full(path: Path) -> StoreFull:
    return StoreFull(_FULL.format(path=path))
