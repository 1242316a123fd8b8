"""Upgrading a database that the first version wrote: all of it or nothing, and never back."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from qabel.store.database.connection import Connection, configure, connect, fetch_one
from qabel.store.database.database import Database
from qabel.store.database.errors import NewerVersion
from qabel.store.database.schema import key_digest, migrations, statements, upgrade
from qabel.store.key_record import GivenKey

FOLDER = Path(__file__).parent / "first_version"
KEY = bytes.fromhex((FOLDER / "qabel.key").read_text())
SECOND = list(statements(migrations()[1]))
NEWEST = len(migrations())


@pytest.fixture
def old(path: Path) -> Path:
    """Return the path of a copy of a database that the first version wrote."""
    shutil.copy(FOLDER / "qabel.db", path)
    return path


def version_of(path: Path) -> int:
    """Return the version of a closed database."""
    connection = connect(path, KEY)
    try:
        return int(fetch_one(connection, "PRAGMA user_version")[0])
    finally:
        connection.close()


def contents(path: Path) -> dict[str, Any]:
    """Return all rows of a closed database."""
    connection = connect(path, KEY)
    try:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}
    finally:
        connection.close()


def upgrading(path: Path) -> Connection:
    """Return a connection with a transaction in which nothing of the second version is done yet."""
    connection = connect(path, KEY)
    configure(connection)
    connection.execute("PRAGMA cache_size = 10")
    connection.create_function("key_digest", 1, key_digest, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_kill_at_any_statement(old: Path, tmp_path: Path, got: Any, here: Any) -> None:
    """Killed after any statement, the file is of the first version, whole, and can be upgraded."""
    before = contents(old)
    connection = upgrading(old)
    whole = None
    for number, statement in enumerate(SECOND):
        connection.execute(statement)
        killed = tmp_path / f"{number}"
        shutil.copytree(old.parent, killed, ignore=shutil.ignore_patterns("*-shm"))
        assert (version_of(killed / old.name), contents(killed / old.name)) == (1, before)
        database = Database(killed / old.name, GivenKey(KEY), worker=here)
        got(database.open())
        got(database.close())
        after = contents(killed / old.name)
        after["state"] = whole["state"] if whole else after["state"]
        whole = whole or after
        assert (version_of(killed / old.name), after) == (NEWEST, whole)
        shutil.rmtree(killed)
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("number", range(0, len(SECOND), 5))
def test_a_failure_at_any_statement(old: Path, number: int) -> None:
    """If a statement fails, the file stays as the first version wrote it."""
    before = contents(old)
    broken = "\n".join([*SECOND[:number], "INSERT INTO missing VALUES (1);", *SECOND[number:]])
    connection = connect(old, KEY)
    configure(connection)
    with pytest.raises(Exception, match="no such table: missing"):
        upgrade(connection, [migrations()[0], broken])
    connection.close()
    assert (version_of(old), contents(old)) == (1, before)


def test_an_older_program_refuses(old: Path, got: Any, here: Any) -> None:
    """A program that knows only the first version says what to do, and leaves the file alone."""
    database = Database(old, GivenKey(KEY), worker=here)
    got(database.open())
    got(database.close())
    data = old.read_bytes()
    older = Database(old, GivenKey(KEY), worker=here, steps=migrations()[:1])
    with pytest.raises(NewerVersion, match=f"version {NEWEST}, .* supports version 1"):
        got(older.open())
    assert old.read_bytes() == data
    assert [each.name for each in old.parent.iterdir()] == [old.name]
