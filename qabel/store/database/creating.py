"""Making a database, and telling whether a file is one and which key fits."""

from collections.abc import Sequence
from pathlib import Path

from qabel.host.private_files import create_private, replace_durably
from qabel.store.database.connection import (
    connect,
    has_log,
    look,
    remove_with_logs,
)
from qabel.store.database.errors import (
    AlreadyThere,
    NewerVersion,
    NotADatabase,
    StoreError,
    WrongKey,
)
from qabel.store.database.schema import APPLICATION_ID, upgrade
from qabel.store.key_record import KeySource


def make(path: Path, keys: KeySource, steps: Sequence[str]) -> None:
    """Make a database. It gets its name when it is whole: a half-made one never has it.

    Args:
        path: where there is no file yet.
        keys: gives the key, a fresh one if it has none.
        steps: the SQL of the migrations.

    """
    if has_log(path):
        # SQLite would take it for the log of the new file.
        raise AlreadyThere(f"{path} is missing, but its log is there: move {path}-wal away first.")
    unfinished = unfinished_name(path)
    remove_with_logs(unfinished)
    create_private(unfinished)
    connection = connect(unfinished, keys.make().current)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        upgrade(connection, steps)
    finally:
        connection.close()
    publish(unfinished, path)


def unfinished_name(path: Path) -> Path:
    """Give the name under which a database, or a new form of it, is prepared."""
    return path.with_name(path.name + ".new")


def publish(unfinished: Path, path: Path) -> None:
    """Give a closed database its name, once its content is durable.

    What had that name is replaced: at one stroke, so that there is always one or the other.
    """
    if has_log(path):
        raise StoreError(f"{path} cannot be replaced: its log is not empty.")
    replace_durably(unfinished, path)


def find_key(path: Path, keys: KeySource, newest: int) -> bytes:
    """Give the key that opens a file, which is a database that this daemon can use.

    The file is not changed, nor is the key source.

    Args:
        path: the file.
        keys: what keys there are.
        newest: the newest version of the tables that is known.

    Raises:
        WrongKey, NewerVersion, NotADatabase, KeyTrouble, or another StoreError.

    """
    for key in keys.read().candidates:
        try:
            application, version = look(path, key)
        except WrongKey as error:
            wrong = error
            continue
        if application != APPLICATION_ID or version == 0:
            raise NotADatabase(f"{path} is an encrypted database, but not one of this daemon's.")
        if version > newest:
            raise NewerVersion(
                f"{path} was written by a newer version of this daemon (its tables have version "
                f"{version}, this daemon knows {newest}): use that one. The file is as it was."
            )
        return key
    raise wrong
