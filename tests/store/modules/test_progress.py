"""How far modules have read, and the writing of their tables."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.modules import progress
from qabel.store.modules.changes import Change, Told
from qabel.store.modules.entries import Place
from qabel.store.modules.progress import ModuleRepository
from qabel.store.modules.tables import ModuleStoreError
from tests.store.modules.conftest import NOW, Mail

TABLE = (
    "CREATE TABLE notes_seen (id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE) STRICT;"
)
SEEN = "INSERT INTO notes_seen (id) VALUES (?)"


@pytest.fixture
def modules(database: Database) -> ModuleRepository:
    """Return the repository of modules."""
    return ModuleRepository(database)


def write(modules: ModuleRepository, at: Place, to: Place, *given: Any) -> Any:
    """Write what the module ``notes`` has made."""
    return result_of(modules.write("notes", at, to, *given, now=NOW))


def test_a_new_module_begins_at_the_beginning(modules: ModuleRepository, mail: Mail) -> None:
    """What is there already is no news to it."""
    mail.receive("note", "note")
    found = result_of(modules.open("notes", [TABLE]))
    assert (found.place, found.live, found.is_live) == (Place(), 2, False)
    assert result_of(modules.open("notes", [TABLE])) == found


def test_rows_and_place_in_one(
    modules: ModuleRepository, mail: Mail, rows: Callable[..., Any]
) -> None:
    """Rows and the place are stored together, and only if the module stands where it stood."""
    [one, two] = mail.receive("note", "note")
    result_of(modules.open("notes", [TABLE]))
    told = [Told("notes.new", {"id": one})]
    assert write(modules, Place(), Place(one), [Change(SEEN, [(one,)])], told) == 3
    assert write(modules, Place(), Place(two), [Change(SEEN, [(two,)])]) is None
    assert rows("SELECT id FROM notes_seen") == [(one,)]
    assert rows("SELECT seq, kind FROM events") == [(3, "notes.new")]
    assert result_of(modules.open("notes", [TABLE])).place == Place(one)


def test_nothing_is_stored_if_a_row_cannot_be(
    modules: ModuleRepository, mail: Mail, rows: Callable[..., Any]
) -> None:
    """A change that fails leaves neither rows nor events, and the place stays."""
    [one] = mail.receive("note")
    result_of(modules.open("notes", [TABLE]))
    changes = [Change(SEEN, [(one,)]), Change(SEEN, [(one,)])]
    with pytest.raises(Exception, match="UNIQUE"):
        write(modules, Place(), Place(one), changes)
    assert rows("SELECT count(*) FROM notes_seen") == [(0,)]
    assert result_of(modules.open("notes", [TABLE])).place == Place()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM messages WHERE id = ?",
        "UPDATE modules SET seq = ?",
        "INSERT OR REPLACE INTO note_seen VALUES (?)",
        "DROP TABLE notes_seen",
        "PRAGMA user_version = 9",
        "notes_seen",
    ],
)
def test_other_tables_are_not_changed(modules: ModuleRepository, mail: Mail, sql: str) -> None:
    """A statement changes the module's own tables, or is refused."""
    mail.receive("note")
    result_of(modules.open("notes", [TABLE]))
    with pytest.raises(ModuleStoreError):
        write(modules, Place(), Place(1), [Change(sql, [(1,)])])
    assert len(mail.entries(kinds=["note"])) == 1


def test_what_is_deleted_goes_from_the_tables(
    modules: ModuleRepository, mail: Mail, rows: Callable[..., Any]
) -> None:
    """Rows go with the message that they are about, whether the module runs or not."""
    [one] = mail.receive("note")
    result_of(modules.open("notes", [TABLE]))
    write(modules, Place(), Place(one), [Change(SEEN, [(one,)])])
    rows("DELETE FROM messages")
    assert rows("SELECT count(*) FROM notes_seen") == [(0,)]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("CREATE TABLE other (id INTEGER) STRICT;", "the table other"),
        ("ALTER TABLE messages ADD COLUMN more TEXT;", "the table messages"),
        ("CREATE TABLE notes_x (id INTEGER REFERENCES messages) STRICT;", "without ON DELETE"),
    ],
)
def test_migrations_that_are_refused(
    modules: ModuleRepository, rows: Callable[..., Any], step: str, error: str
) -> None:
    """A module makes and changes its own tables only, and of those nothing holds a message back."""
    with pytest.raises(ModuleStoreError, match=error):
        result_of(modules.open("notes", [step]))
    assert rows("SELECT * FROM modules") == []
    assert rows("SELECT 1 FROM sqlite_schema WHERE name IN ('other', 'notes_x')") == []


def test_another_version(modules: ModuleRepository, rows: Callable[..., Any]) -> None:
    """Further migrations are made once; tables of a newer version are refused."""
    more = "ALTER TABLE notes_seen ADD COLUMN more TEXT;"
    result_of(modules.open("notes", [TABLE]))
    result_of(modules.open("notes", [TABLE, more]))
    result_of(modules.open("notes", [TABLE, more]))
    assert rows("SELECT version FROM modules") == [(2,)]
    with pytest.raises(ModuleStoreError, match="version 2"):
        result_of(modules.open("notes", [TABLE]))


def test_going_past_an_entry(modules: ModuleRepository, mail: Mail) -> None:
    """What a module cannot deal with is noted, and the module goes on behind it."""
    [one] = mail.receive("note")
    result_of(modules.open("notes", [TABLE]))
    entry = Place(one)
    assert result_of(modules.set_aside("notes", Place(), entry, "it raised", now=NOW))
    assert not result_of(modules.set_aside("notes", Place(), entry, "it raised", now=NOW))
    [found] = result_of(modules.all_set_aside("notes"))
    assert (found.place, found.reason, found.since) == (entry, "it raised", int(NOW * 1000))
    assert result_of(modules.open("notes", [TABLE])).place == entry


def test_beginning_anew(
    modules: ModuleRepository,
    mail: Mail,
    rows: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The derived tables are emptied in parts, which a restart in between does not forget."""
    monkeypatch.setattr(progress, "ROWS_AT_ONCE", 2)
    ids = mail.receive("note", "note", "note")
    result_of(modules.open("notes", [TABLE]))
    write(modules, Place(), Place(3), [Change(SEEN, [(each,) for each in ids])])
    assert result_of(modules.rebuild("notes", ["notes_seen"]))
    assert result_of(modules.open("notes", [TABLE])).is_emptying
    assert rows("SELECT count(*) FROM notes_seen") == [(1,)]
    assert not result_of(modules.rebuild("notes", ["notes_seen"]))
    found = result_of(modules.open("notes", [TABLE]))
    assert (found.place, found.live, found.is_emptying) == (Place(), 3, False)
    assert rows("SELECT count(*) FROM notes_seen") == [(0,)]
    with pytest.raises(ModuleStoreError, match="messages"):
        result_of(modules.rebuild("notes", ["messages"]))
