"""A connection to an encrypted SQLite file: how it is opened, and how a file is checked first."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import (
    Corrupt,
    KeyTrouble,
    NotADatabase,
    StoreError,
    WrongKey,
)
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.key_record import KEY_SIZE

PLAIN_SQLITE = b"SQLite format 3\x00"

BUSY_TIMEOUT = 2000
"""Milliseconds to wait while another process uses the file."""

Parameters = Sequence[object] | Mapping[str, object]


class QueryResult(Protocol):
    """The part of a DB-API cursor that the store uses."""

    rowcount: int
    lastrowid: int

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all remaining rows."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...


class Connection(Protocol):
    """The part of a DB-API connection that the store uses. Statements are cached by their text."""

    in_transaction: bool
    has_erased: bool
    """Whether anything was deleted, or replaced, that is to be unreadable soon."""
    is_broken: bool
    """Whether it has to be replaced: after damage, SQLCipher reads and writes nothing any more."""
    patience: int
    """Milliseconds that it waits at present while another process uses the file."""
    start_mark: str | None
    """The mark of this start of the daemon; None for what takes no numbers of the journal."""

    def execute(self, sql: str, parameters: Parameters = (), /) -> QueryResult:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Parameters], /) -> QueryResult:
        """Run one statement once for each row."""

    def create_function(
        self,
        name: str,
        arguments: int,
        function: Callable[..., Any],
        /,
        *,
        deterministic: bool = False,
    ) -> None:
        """Let statements call a function."""

    def set_progress_handler(self, handler: Callable[[], bool], steps: int, /) -> None:
        """Call ``handler`` every so many steps; True interrupts the statement."""

    def backup(
        self, target: Any, *, pages: int = -1, progress: Callable[[int, int, int], None]
    ) -> None:
        """Copy the whole database to another connection."""

    def close(self) -> None:
        """Close the connection, merging the write-ahead log into the file."""


_DELETES = re.compile(r"\s*(?:WITH\b.*\b)?(?:DELETE|REPLACE|INSERT OR REPLACE|DROP)\b", re.I | re.S)


class _DeletionNoting(sqlcipher.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that notes in ``has_erased`` whether its statements delete anything."""

    has_erased = False
    is_broken = False
    patience = BUSY_TIMEOUT
    start_mark: str | None = None

    def execute(self, sql: str, parameters: Parameters = (), /) -> QueryResult:
        return self._noted(sql, cast("QueryResult", super().execute(sql, parameters)))

    def executemany(self, sql: str, rows: Iterable[Parameters], /) -> QueryResult:
        return self._noted(sql, cast("QueryResult", super().executemany(sql, rows)))

    def _noted(self, sql: str, result: QueryResult) -> QueryResult:
        # The count is not known yet where rows are returned; of several statements it is the sum.
        if not self.has_erased and result.rowcount and _DELETES.match(sql):
            self.has_erased = True
        return result


def connect(
    path: Path, key: bytes, *, mode: str = "rw", immutable: bool = False, is_shared: bool = False
) -> Connection:
    """Open an existing encrypted file. Touches nothing yet: a wrong key shows at first use.

    Args:
        path: the file.
        key: 32 bytes.
        mode: ``rw`` or ``ro``.
        immutable: assume that nobody writes the file, so that no lock or log file is created.
        is_shared: several threads will use it, one at a time.

    """
    check_key(key)
    flags = f"mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlcipher.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?{flags}",
        uri=True,
        isolation_level=None,
        cached_statements=256,
        timeout=BUSY_TIMEOUT / 1000,
        factory=_DeletionNoting,
        check_same_thread=not is_shared,
    )
    # SQLCipher would print to standard error what is raised as an exception anyway.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return cast("Connection", connection)


def check_key(key: bytes) -> None:
    """Raise KeyTrouble unless the key has 32 bytes: SQLCipher would use others as a password."""
    if len(key) != KEY_SIZE:
        raise KeyTrouble(f"A database key must have {KEY_SIZE} bytes, not {len(key)}.")


def configure(connection: Connection) -> None:
    """Set what is not stored in the file itself.

    A commit is on the disk when it returns. What is deleted is overwritten; of its copies see
    ``qabel.store.database.clearing``, which also says why SQLite must not empty its log by itself.
    SQLCipher's locking and wiping of its own memory stays off: the same
    values pass through Python's memory, which does neither.
    """
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA journal_size_limit = 33554432")


def read_versions(path: Path, key: bytes) -> tuple[int, int]:
    """Return a file's application id and schema version, changing neither the file nor its log.

    A connection that may write would merge the log into the file when it is closed, even with a
    wrong key. Raises NotADatabase, WrongKey or another StoreError.
    """
    logged = has_log(path)
    check_size(path, logged)
    try:
        connection = connect(path, key, mode="ro", immutable=not logged)
        try:
            return (
                fetch_one(connection, "PRAGMA application_id")[0],
                fetch_one(connection, "PRAGMA user_version")[0],
            )
        finally:
            connection.close()
    except sqlcipher.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise WrongKey(
                f"The key does not open {path}, or the file is damaged at its start; it was not "
                "changed."
            ) from None
        raise diagnose(error, path) from error


def fetch_one(connection: Connection, sql: str, parameters: Parameters = ()) -> tuple[Any, ...]:
    """Run a statement that always has a row, and return that."""
    row = connection.execute(sql, parameters).fetchone()
    if row is None:
        raise Corrupt("The database is damaged: a required row is missing.")
    return row


def is_sound(connection: Connection) -> bool:
    """Return whether all pages that a connection has read were undamaged.

    Of a damaged page SQLCipher may return zeros, with an error only when it reads the next one.
    """
    return str(fetch_one(connection, "PRAGMA cipher_status")[0]) == "1"


def has_log(path: Path) -> bool:
    """Return whether a database has a write-ahead log with what is not in its file yet."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def remove_with_logs(path: Path) -> None:
    """Remove an unfinished database, and the files that SQLite created beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def check_size(path: Path, logged: bool) -> None:
    """Check a file as far as that needs no key. Raises NotADatabase.

    With a log beside it, a file may end within a page: a full disk interrupted the writing, and
    the log still has all of it.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(PLAIN_SQLITE))
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start == PLAIN_SQLITE:
        raise NotADatabase(f"{path} is an unencrypted SQLite file, not a Qabel database.")
    if size == 0 or (size % PAGE_SIZE and not logged):
        raise NotADatabase(
            f"{path} is not a Qabel database, or is truncated: it has {size} bytes, and a database "
            f"has a multiple of {PAGE_SIZE}."
        )
