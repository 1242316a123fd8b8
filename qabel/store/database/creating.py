"""Creating a database, recognizing one, and finding the key that opens it."""

from collections.abc import Sequence
from pathlib import Path

from qabel.host.private_files import create_private, replace_durably
from qabel.store.database.connection import (
    Connection,
    connect,
    has_log,
    read_versions,
    remove_with_logs,
)
from qabel.store.database.errors import (
    AlreadyThere,
    KeyMissing,
    NewerVersion,
    NotADatabase,
    StoreError,
    WrongKey,
)
from qabel.store.database.schema import APPLICATION_ID, upgrade
from qabel.store.key_record import KeyRecord, KeySource, fresh_key


def create(path: Path, keys: KeySource, steps: Sequence[str]) -> None:
    """Create a database. It gets its name when it is complete, never before.

    Args:
        path: where there is no file yet.
        keys: provides the key, a fresh one if it has none.
        steps: the SQL of the migrations.

    """
    if has_log(path):
        # SQLite would take it for the log of the new file.
        raise AlreadyThere(
            f"{path} is missing, but its write-ahead log {path}-wal exists; move that away first."
        )
    unfinished = unfinished_path(path)
    remove_with_logs(unfinished)
    create_private(unfinished)
    connection = connect(unfinished, ensure_key(keys).current)
    try:
        begin_file(connection)
        upgrade(connection, steps)
    finally:
        connection.close()
    publish(unfinished, path)


def begin_file(connection: Connection) -> None:
    """Set what is stored in a new file: it can give back free pages, and has a write-ahead log."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")


def ensure_key(keys: KeySource) -> KeyRecord:
    """Return the key that a source has; if it has none, store a fresh one. Raises KeyTrouble."""
    try:
        return keys.read()
    except KeyMissing:
        record = KeyRecord(fresh_key())
        keys.write(record)
        return record


def unfinished_path(path: Path) -> Path:
    """Return the path where a database, or its replacement under a new key, is prepared."""
    return path.with_name(path.name + ".new")


def publish(unfinished: Path, path: Path) -> None:
    """Rename a closed database, durably, replacing what had the name."""
    if has_log(path):
        raise StoreError(f"{path} cannot be replaced: its write-ahead log is not empty.")
    replace_durably(unfinished, path)


def find_key(path: Path, keys: KeySource, newest: int) -> bytes:
    """Return the key that opens a file, after checking that this daemon can use the database.

    Neither the file nor the key source is changed.

    Args:
        path: the file.
        keys: provides the keys to try.
        newest: the newest version of the tables that is known.

    Raises:
        WrongKey, NewerVersion, NotADatabase, KeyTrouble, or another StoreError.

    """
    for key in keys.read().candidates:
        try:
            application, version = read_versions(path, key)
        except WrongKey as error:
            wrong = error
            continue
        if application != APPLICATION_ID or version == 0:
            raise NotADatabase(f"{path} is an encrypted database, but not a Qabel database.")
        if version > newest:
            raise NewerVersion(
                f"{path} was written by a newer version of Qabel: its tables have version "
                f"{version}, and this program supports version {newest}. Use the newer program; "
                "the file was not changed."
            )
        return key
    raise wrong
