"""The SQLite file of a drop server: its schema, and how it is created and opened."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from qabel.host.start_errors import StartError

APPLICATION_ID = 0x51614472
"""The application id of the file: "QaDr"."""

SCHEMA_VERSION = 3

_ASKED = """
CREATE TABLE asked (
    generation INTEGER NOT NULL,    -- when it began, in seconds since the epoch
    part INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (generation, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE asking (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    began INTEGER,                  -- of the newer generation; NULL until the file is first used
    began_before INTEGER NOT NULL,  -- of the older one
    known_since INTEGER             -- when it was first noted who asks; 0 for always
) STRICT;
"""
"""Which drops were asked for lately: see qabel.dropserver.asked_drops."""

_STEPS = {
    # Since version 2, numbers and sums within drops are no longer kept, as any message may go, and
    # the quota is charged otherwise: it is counted anew each time that the file is opened.
    1: "",
    # Of the messages that are there, nobody knows whether their drops were asked for before.
    2: _ASKED + "INSERT INTO asking VALUES (1, NULL, 0, NULL);",  # noqa: S608
}
"""For each older version, what brings the file to the next."""

PAGE_SIZE = 8192
"""Bytes. A message has 2149: with SQLite's default of 4096, every page would be half empty."""

_BUSY_TIMEOUT = 1.0
"""Seconds to wait for another program that has locked the file: reading waits for this too."""

_SCHEMA = """
CREATE TABLE message (
    stamp INTEGER PRIMARY KEY,      -- when it arrived; each committed message has a greater one
    place BLOB NOT NULL,            -- a hash of the drop id: the file gives access to no drop
    number INTEGER NOT NULL,        -- 0; of version 1, as to remove it would rewrite the file
    before INTEGER NOT NULL,        -- likewise
    size INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_of_place ON message (place, stamp, number, before, size);
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest INTEGER NOT NULL,        -- the greatest stamp ever issued
    charged INTEGER NOT NULL        -- bytes that count against the quota
) STRICT;
INSERT INTO state VALUES (1, 0, 0);
"""

_ALL = _SCHEMA + _ASKED + "INSERT INTO asking VALUES (1, NULL, 0, 0);"  # noqa: S608


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, or create it, readable only by its owner. Raises StartError.

    The connection may be used by any thread, but only by one at a time.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        connection = _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"cannot open {path}: {error}") from None
    try:
        if not _is_ours(connection, path):
            _create(connection)
        _bring_up_to_date(connection)
        _configure(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StartError(f"cannot use {path}: {error}") from None
    except StartError:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that is there, and change nothing in it. Raises sqlite3.Error."""
    return sqlite3.connect(_url(path, "ro"), uri=True, timeout=_BUSY_TIMEOUT)


def reopen_file(path: Path) -> sqlite3.Connection:
    """Open a file that was open before, and creates none. Raises sqlite3.Error."""
    connection = _connect(path)
    try:
        _configure(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        _url(path, "rw"),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_TIMEOUT,
    )


def _url(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a file has our tables. Raises StartError."""
    if not _is_ours(connection, path):
        raise StartError(f"{path} is empty: no drop server has used it")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file has our tables, or False if it is empty; else raise StartError."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application == APPLICATION_ID:
        if not 1 <= version <= SCHEMA_VERSION:
            raise StartError(
                f"{path} has schema version {version}, and this program knows those up to "
                f"{SCHEMA_VERSION}: a newer version of it wrote the file"
            )
        return True
    if application or version or _pragma(connection, "schema_version"):
        raise StartError(f"{path} is not the file of a drop server")
    return False


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_ALL} PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    for version in range(_pragma(connection, "user_version"), SCHEMA_VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {_STEPS[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        )


def _configure(connection: sqlite3.Connection) -> None:
    """Make commits durable when they return, and overwrite what is deleted."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA journal_size_limit = 33554432")
    # The log is moved to the file by the program, which then notices if that fails.
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
