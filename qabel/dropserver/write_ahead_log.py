"""The write-ahead log of an SQLite file: moved to the file, and how large both may become."""

import sqlite3
from typing import Literal

_UNLIMITED = 2**31 - 2
"""Pages: more than any file here has."""


def checkpoint(
    connection: sqlite3.Connection, mode: Literal["PASSIVE", "RESTART", "TRUNCATE"]
) -> bool:
    """Move what is in the log to the file; return whether all of it was moved.

    Args:
        connection: in no transaction.
        mode: RESTART has the log begin anew, within the space that it has; TRUNCATE returns its
            space to the disk.

    Raises:
        sqlite3.Error: the file could not be written, for example as it has to grow for that.

    """
    is_busy, logged, moved = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return not is_busy and logged == moved


def forbid_growth(connection: sqlite3.Connection) -> None:
    """Let nothing be stored for which the file, with what is in its log, would have to grow."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages:d}")


def allow_growth(connection: sqlite3.Connection) -> None:
    """Let the file grow."""
    connection.execute(f"PRAGMA max_page_count = {_UNLIMITED:d}")
