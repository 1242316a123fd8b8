"""Emptying derived tables, full-text ones too."""

from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.modules import emptying
from qabel.store.modules.emptying import empty_some
from qabel.store.modules.tables import ModuleStoreError, migrate

STEP = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE notes_words USING fts5 (text);
INSERT INTO notes_words (notes_words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
    DELETE FROM notes_words WHERE rowid = old.id;
END;
"""

DERIVED = ("notes_words", "notes")


def fill(connection: Connection, first: int, count: int = 500) -> None:
    """Add notes."""
    rows = [(each, f"word{each} and") for each in range(first, first + count)]
    connection.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    connection.executemany("INSERT INTO notes_words (rowid, text) VALUES (?, ?)", rows)


def run(database: Database, work: Any, *values: Any) -> Any:
    """Run a transaction."""
    return result_of(database.run(lambda connection: work(connection, *values)))


def rows(database: Database, sql: str) -> list[Any]:
    """Run a statement in a transaction, and return its rows."""
    return run(database, lambda each: each.execute(sql).fetchall())  # type: ignore[no-any-return]


def test_a_full_text_table(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is empty at once, keeps its settings, can be filled meanwhile, and nothing is left."""
    monkeypatch.setattr(emptying, "_PAGES_AT_ONCE", 3)
    run(database, migrate, "notes", [STEP])
    run(database, fill, 1)
    assert run(database, empty_some, "notes", DERIVED)
    assert rows(database, "SELECT * FROM notes_words WHERE notes_words MATCH 'and'") == []
    run(database, fill, 501, 3)
    while rows(database, "SELECT 1 FROM sqlite_schema WHERE name LIKE '%emptied%'"):
        assert run(database, empty_some, "notes", DERIVED)
    assert rows(database, "SELECT count(*) FROM notes_words WHERE text MATCH 'and'") == [(3,)]
    assert rows(database, "SELECT v FROM notes_words_config WHERE k = 'secure-delete'") == [(1,)]
    rows(database, "DELETE FROM notes WHERE id = 502")
    assert rows(database, "SELECT count(*) FROM notes_words WHERE text MATCH 'and'") == [(2,)]
    while run(database, empty_some, "notes", DERIVED):
        continue
    assert rows(database, "SELECT count(*) FROM notes") == [(0,)]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


def test_tables_of_others(database: Database) -> None:
    """A module cannot have the tables of others emptied."""
    with pytest.raises(ModuleStoreError, match="messages is no table of notes"):
        run(database, empty_some, "notes", ["messages"])
