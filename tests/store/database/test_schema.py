"""Migrations: all of them or none."""

from pathlib import Path
from typing import Any

import pytest

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreError
from qabel.store.database.schema import migrations, statements, upgrade, version
from qabel.store.key_record import GivenKey


def test_the_migrations_create_all_tables(empty: Connection) -> None:
    """An empty file becomes a database of the newest version, marked as this daemon's."""
    upgrade(empty, migrations())
    assert version(empty) == len(migrations())
    tables = {row[0] for row in empty.execute("SELECT name FROM sqlite_schema")}
    assert {"state", "messages", "events", "deliveries", "webhooks"} <= tables
    assert empty.execute("PRAGMA application_id").fetchone() == (0x51424C31,)


def test_each_database_has_an_id_of_its_own(path: Path, key: bytes, here: Any, got: Any) -> None:
    """Each database gets an id of 16 hex digits when it is created."""
    ids = set()
    for name in ("a", "b"):
        database = Database(path.with_name(name), GivenKey(key), worker=here)
        got(database.open())
        ids.add(got(database.run(lambda c: c.execute("SELECT database_id FROM state").fetchone())))
        got(database.close())
    assert len(ids) == 2
    assert all(len(each) == 16 and bytes.fromhex(each) for (each,) in ids)


def test_a_migration_that_fails_changes_nothing(
    path: Path, key: bytes, here: Any, got: Any
) -> None:
    """If a migration fails, those before it are undone too."""
    first = Database(path, GivenKey(key), worker=here)
    got(first.open())
    got(first.close())
    before = path.read_bytes()
    steps = (*migrations(), "CREATE TABLE good (a);", "CREATE TABLE good (a);")
    with pytest.raises(StoreError, match="good"):
        got(Database(path, GivenKey(key), steps=steps, worker=here).open())
    assert path.read_bytes() == before
    again = Database(path, GivenKey(key), worker=here)
    got(again.open())
    assert not got(
        again.run(lambda c: c.execute("SELECT 1 FROM sqlite_schema WHERE name = 'good'").fetchall())
    )
    got(again.close())


def test_rows_that_refer_to_missing_rows(empty: Connection) -> None:
    """A migration after which rows refer to missing rows is undone."""
    steps = (
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\nCREATE TABLE b (a REFERENCES a);",
        "INSERT INTO b VALUES (1);",
    )
    upgrade(empty, steps[:1])
    with pytest.raises(Corrupt):
        upgrade(empty, steps)
    assert version(empty) == 1
    assert empty.execute("SELECT * FROM b").fetchall() == []


def test_a_script_is_split_into_statements() -> None:
    """Semicolons in texts, comments and triggers do not end a statement."""
    script = (
        "CREATE TABLE a (b DEFAULT ';\n'); -- one; two\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n SELECT 1;\n SELECT 2;\nEND;\n"
    )
    assert [each.split()[1] for each in statements(script)] == ["TABLE", "TRIGGER"]
    with pytest.raises(ValueError, match="no end"):
        list(statements("CREATE TABLE a (b)"))
