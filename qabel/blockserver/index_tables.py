"""The tables of the index, and opening its file."""

import secrets
import sqlite3
from pathlib import Path

from qabel.host.start_errors import StartError

INDEX_NAME = "index.sqlite"

OBJECTS = "objects"
"""The folder of the objects, beside the index."""

FOLDER = "the folder"
"""What the index calls that storage."""

_VERSION = 1

_SCHEMA = """
CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hash BLOB UNIQUE,  -- SHA-256; none if it was revoked
    quota INTEGER NOT NULL,  -- in bytes
    used INTEGER NOT NULL DEFAULT 0,  -- in bytes
    objects INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE prefix (
    name TEXT PRIMARY KEY,
    token INTEGER NOT NULL REFERENCES token (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX prefix_by_token ON prefix (token);
CREATE TABLE entry (
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    object TEXT NOT NULL UNIQUE,  -- its name in the storage
    size INTEGER NOT NULL,  -- in bytes
    PRIMARY KEY (prefix, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE storage (
    name TEXT NOT NULL,  -- where all objects are
    mark TEXT NOT NULL  -- random: what belongs to this index has it, too
) STRICT;
"""

_LOCK_PATIENCE = 10.0
"""Seconds to wait for another process, such as a command, that writes."""


def read_index(path: Path) -> sqlite3.Connection:
    """Open the index to read it only. Raises StartError if it is not there."""
    if not path.exists():
        raise StartError(f"there is no block server: {path} is missing")
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_LOCK_PATIENCE)


def open_index(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open the index.

    Args:
        path: its file.
        create: whether to make it if it is not there.

    Raises:
        StartError: it is not there, cannot be opened, or is of a newer version.

    """
    if not create and not path.exists():
        raise StartError(f"there is no block server: {path} is missing")
    try:
        connection = sqlite3.connect(
            path, timeout=_LOCK_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StartError(f"cannot open {path}: {error}") from None
    return connection


def storage_name(connection: sqlite3.Connection) -> str:
    """Return in which storage the objects of an index are."""
    row = connection.execute("SELECT name FROM storage").fetchone()
    return FOLDER if row is None else str(row[0])


def bind_storage(connection: sqlite3.Connection, name: str) -> str:
    """Remember in which storage the objects of an index are; return the mark of the index.

    Raises StartError if the index cannot be used, or they are in another one: there, all would be
    missing, and what is there would be taken for objects that belong to no file, and be deleted.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT name, mark FROM storage").fetchone()
        if row is None:
            row = name, secrets.token_hex(16)
            connection.execute("INSERT INTO storage VALUES (?, ?)", row)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StartError(f"cannot use the index: {error}") from None
    if row[0] != name:
        raise StartError(
            f"the objects of this server are in {row[0]}, not in {name}: start it with the same"
            " storage as before, or with another data directory"
        )
    return str(row[1])


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    path.chmod(0o600)
    connection.execute("PRAGMA journal_mode = WAL")
    # What was answered must be there after the machine itself has failed.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        connection.execute("ROLLBACK")
        raise StartError(f"{path} was made by a newer version of qabel-block")
    if version == 0:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
