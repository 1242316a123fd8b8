"""Migrations: all of them or none."""

from pathlib import Path
from typing import Any

import pytest

from qabel.store.database.connection import Connection, connect
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreError
from qabel.store.database.schema import migrations, statements, upgrade, version
from qabel.store.key_record import GivenKey


@pytest.fixture
def connection(path: Path, key: bytes) -> Any:
    """Return a connection to an empty database."""
    path.touch()
    made = connect(path, key)
    yield made
    made.close()


def test_the_migrations_create_all_tables(connection: Connection) -> None:
    """An empty file becomes a database of the newest version, marked as this daemon's."""
    upgrade(connection, migrations())
    assert version(connection) == len(migrations())
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    assert {"state", "messages", "events", "deliveries", "webhooks"} <= tables
    assert connection.execute("PRAGMA application_id").fetchone() == (0x51424C31,)


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


def test_rows_that_refer_to_missing_rows(connection: Connection) -> None:
    """A migration after which rows refer to missing rows is undone."""
    steps = (
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\nCREATE TABLE b (a REFERENCES a);",
        "INSERT INTO b VALUES (1);",
    )
    upgrade(connection, steps[:1])
    with pytest.raises(Corrupt):
        upgrade(connection, steps)
    assert version(connection) == 1
    assert connection.execute("SELECT * FROM b").fetchall() == []


def test_a_script_is_split_into_statements() -> None:
    """Semicolons in texts, comments and triggers do not end a statement."""
    script = (
        "CREATE TABLE a (b DEFAULT ';\n'); -- one; two\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n SELECT 1;\n SELECT 2;\nEND;\n"
    )
    assert [each.split()[1] for each in statements(script)] == ["TABLE", "TRIGGER"]
    with pytest.raises(ValueError, match="no end"):
        list(statements("CREATE TABLE a (b)"))


def test_a_database_of_the_first_version_is_upgraded(connection: Connection) -> None:
    """The second version adds the identity of events, and stores answers as plain JSON."""
    upgrade(connection, migrations()[:1])
    for statement in (
        "INSERT INTO sends VALUES (7, 'message', x'00', 3, 'chat', '0', NULL, 1)",
        "INSERT INTO events VALUES (1, 'outbox', CAST('{\"id\":7}' AS BLOB), 1)",
        "INSERT INTO events VALUES (2, 'outbox', CAST('{\"id\":8}' AS BLOB), 1)",
        "INSERT INTO events VALUES (3, 'settings', CAST('{}' AS BLOB), 1)",
        "INSERT INTO webhooks VALUES (1, 'http://x/', x'00', '[]', 5, 1, 0, NULL, NULL, NULL)",
        "INSERT INTO idempotency VALUES ('k', x'00', 7, CAST('[true]{\"a\":[1]}' AS BLOB), 1)",
        "INSERT INTO idempotency VALUES ('n', x'00', 7, NULL, 1)",
    ):
        connection.execute(statement)
    upgrade(connection, migrations())
    about = connection.execute("SELECT identity_id FROM events ORDER BY seq").fetchall()
    assert about == [(3,), (None,), (None,)]
    answers = connection.execute("SELECT answer FROM idempotency ORDER BY key").fetchall()
    assert answers == [(b'{"a":[1]}',), (None,)]
    columns = {row[1] for row in connection.execute("PRAGMA table_info(webhooks)")}
    assert "next_attempt" not in columns
    assert connection.execute("SELECT url, place FROM webhooks").fetchall() == [("http://x/", 5)]
