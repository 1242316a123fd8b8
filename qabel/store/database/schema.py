"""The tables, as numbered migrations: what each version of the database adds to the one before."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.crypto import key_digest
from qabel.store.database.connection import Connection, configure, connect, fetch_one
from qabel.store.database.errors import Corrupt

STEPS_PER_CHECK = 1_000_000
"""Steps of SQLite, some hundredths of a second, between two checks whether to stop."""

APPLICATION_ID = 0x51424C31
"""Marks a database as this daemon's (SQLite's ``application_id``): ``QBL1``."""


@cache
def migrations() -> tuple[str, ...]:
    """Return the SQL of each migration, in order: the first makes version 1 of an empty file."""
    folder = resources.files("qabel.store.database") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    numbers = [int(name.partition("_")[0]) for name in names]
    if numbers != list(range(1, len(names) + 1)):
        raise ValueError(f"the numbers of the migrations have gaps: {names}")
    return tuple((folder / name).read_text("utf-8") for name in names)


def version(connection: Connection) -> int:
    """Return the version of a database: 0 for an empty one."""
    row = fetch_one(connection, "PRAGMA user_version")
    return int(row[0])


def upgrade(connection: Connection, steps: Sequence[str]) -> None:
    """Upgrade a database to the newest version, in one transaction: all of it, or nothing.

    Args:
        connection: with no transaction open.
        steps: as from ``migrations()``; those that the database has already are skipped.

    """
    have = version(connection)
    if have == len(steps):
        return
    connection.create_function("key_digest", 1, key_digest, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[have:]:
            for statement in statements(step):
                connection.execute(statement)
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise Corrupt("The database cannot be upgraded: some rows refer to missing rows.")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def open_upgraded(
    path: Path, key: bytes, steps: Sequence[str], is_abandoned: Callable[[], bool]
) -> tuple[Connection, bool]:
    """Open the connection that writes, and upgrade the tables.

    Args:
        path: the file.
        key: of 32 bytes.
        steps: as from ``migrations()``.
        is_abandoned: asked again and again by long statements; True interrupts them.

    Returns:
        The connection, and whether upgrading was necessary.

    """
    connection = connect(path, key)
    try:
        configure(connection)
        was_old = version(connection) < len(steps)
        upgrade(connection, steps)
        connection.set_progress_handler(is_abandoned, STEPS_PER_CHECK)
    except BaseException:
        connection.close()
        raise
    return connection, was_old


def statements(script: str) -> Iterator[str]:
    """Split a script into its statements, each of which ends at the end of a line.

    The driver's own ``executescript`` would commit before it begins.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlcipher.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a statement has no end: {statement.strip()[:60]}")
