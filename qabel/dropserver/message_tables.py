"""The SQLite file of a drop server: its tables, and how it is made and opened."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from qabel.host.start_errors import StartError

APPLICATION_ID = 0x51614472
"""Marks the file as a drop server's: "QaDr"."""

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE message (
    stamp INTEGER PRIMARY KEY,      -- when it came; greater for each message that is committed
    place BLOB NOT NULL,            -- a hash of the drop id: the file itself opens no drop
    number INTEGER NOT NULL,        -- counts up within a drop, without gaps
    before INTEGER NOT NULL,        -- the bytes of all messages that its drop ever had before it
    size INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_of_place ON message (place, stamp, number, before, size);
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest INTEGER NOT NULL,        -- the greatest stamp ever given
    charged INTEGER NOT NULL        -- the bytes that count against the quota
) STRICT;
INSERT INTO state VALUES (1, 0, 0);
"""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, or make it, readable for its owner only; raises StartError.

    The connection may be handed to another thread, as long as one thread at a time uses it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=5.0,
        )
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"{path} cannot be opened: {error}") from None
    try:
        if not _is_ours(connection, path):
            _make(connection)
        _configure(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StartError(f"{path} cannot be used: {error}") from None
    except StartError:
        connection.close()
        raise
    return connection


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell whether the file is a drop server's; False if it is empty, StartError if it is not."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application == APPLICATION_ID:
        if version != SCHEMA_VERSION:
            raise StartError(f"{path} was written by another version of this program ({version})")
        return True
    if application or version or _pragma(connection, "schema_version"):
        raise StartError(f"{path} is no drop server's file")
    return False


def _make(connection: sqlite3.Connection) -> None:
    # A message has 2149 bytes: with SQLite's own 4096, every page would be half empty.
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _configure(connection: sqlite3.Connection) -> None:
    """Have a commit be on the disk when it returns, and what is deleted be overwritten."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA journal_size_limit = 33554432")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
