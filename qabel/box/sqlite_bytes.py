"""SQLite files that are never on a disk, and may be made by an enemy.

A file is opened in memory, with limits on its size and on the time that reading it takes. Nothing
in it is executed: a schema with views, triggers, virtual tables or expressions is refused before
anything is read, and statements may only use the tables that they are for.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define

from qabel.box.errors import UnreadableMetadata

MAX_VALUE = 4 * 2**20
"""Bytes of the longest value or row."""

MAX_STEPS = 5_000
"""How often a connection may have done ``_STEP`` instructions: reading a million rows takes less.

A file can be made in which a few pages are found again and again, without end.
"""

_STEP = 20_000
_MAGIC = b"SQLite format 3\0"
_LEAST_SIZE = 512
_LEAST_ROW = 4
_JOURNAL_MODE = slice(18, 20)
_ROLLBACK, _WRITE_AHEAD = b"\1\1", b"\2\2"

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1,
}

_READING = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION))
_PRAGMAS = frozenset(("table_xinfo", "index_list", "index_xinfo", "user_version"))
_CHANGING = frozenset((sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE))


@define(eq=False)
class MetadataFile:
    """An open file."""

    connection: sqlite3.Connection
    _left: int
    """Bytes of rows that may still be read."""

    def read(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query for columns of one table.

        Together, all rows of all tables must not have more bytes than the file. In one that was
        made for that, many rows could have their values in the same place, and fill the memory.
        """
        for row in self.connection.execute(query):
            self._left -= _LEAST_ROW + sum(len(each) for each in row if isinstance(each, bytes))
            if self._left < 0:
                raise UnreadableMetadata("its rows have more bytes than the file")
            yield row


def is_marked_for_wal(data: bytes) -> bool:
    """Return whether a file says that it has a write-ahead log, which is never there."""
    return data[_JOURNAL_MODE] == _WRITE_AHEAD


@contextmanager
def opened(data: bytes, tables: Collection[str], max_size: int) -> Iterator[MetadataFile]:
    """Open a file in memory. Texts are read as bytes: they need not be in UTF-8.

    Args:
        data: the file.
        tables: those that may be read and changed.
        max_size: bytes that it may have.

    Raises:
        UnreadableMetadata: it is none, or is longer, or SQLite reports an error meanwhile.

    """
    if not data.startswith(_MAGIC) or len(data) < _LEAST_SIZE:
        raise UnreadableMetadata("it is no SQLite file")
    if len(data) > max_size:
        raise UnreadableMetadata(f"it has {len(data)} bytes; at most {max_size} are read")
    if is_marked_for_wal(data):
        data = data[: _JOURNAL_MODE.start] + _ROLLBACK + data[_JOURNAL_MODE.stop :]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(data)
        _protect(connection, tables)
        yield MetadataFile(connection, len(data))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # The text may quote the file, and need not be in UTF-8 then.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise UnreadableMetadata(f"SQLite cannot use it: {name}") from None
    finally:
        connection.close()


@contextmanager
def created(schema: str, user_version: int) -> Iterator[sqlite3.Connection]:
    """Create a file in memory.

    Args:
        schema: the statements that make its tables.
        user_version: which schema it is.

    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(schema)
        connection.execute(f"PRAGMA user_version = {user_version}")
        yield connection
    finally:
        connection.close()


def authorize(connection: sqlite3.Connection, tables: Collection[str]) -> None:
    """Let statements read and change some tables, and nothing else."""
    readable = {*tables, "sqlite_master"}

    def allow(action: int, first: str | None, _: object, __: object, within: str | None) -> int:
        allowed = within is None and (
            action in _READING
            or (action in _CHANGING and first in tables)
            or (action == sqlite3.SQLITE_READ and first in readable)
            or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS)
        )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    connection.set_authorizer(allow)


def _protect(connection: sqlite3.Connection, tables: Collection[str]) -> None:
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.text_factory = bytes
    authorize(connection, tables)
    steps = iter(range(MAX_STEPS))
    connection.set_progress_handler(lambda: next(steps, -1) == -1, _STEP)
