"""How far modules have read, and the writing of their tables."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.modules import emptying
from qabel.store.modules.changes import Change, Told
from qabel.store.modules.entries import Place
from qabel.store.modules.progress import ModuleRepository, Written
from qabel.store.modules.tables import ModuleStoreError
from tests.store.modules.conftest import NOW, SEEN, TABLE, Mail, write


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
    assert write(modules, Place(), Place(one), [Change(SEEN, [(one,)])], told) == Written(3)
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
    monkeypatch.setattr(emptying, "ROWS_AT_ONCE", 2)
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


def test_a_further_derived_table(modules: ModuleRepository, mail: Mail) -> None:
    """A step that makes or changes a derived table has them made anew; others do not."""
    mail.receive("note")
    result_of(modules.open("notes", [TABLE], ["notes_seen"]))
    own = "CREATE TABLE notes_own (id INTEGER PRIMARY KEY) STRICT;"
    assert not result_of(modules.open("notes", [TABLE, own], ["notes_seen"])).is_emptying
    further = "CREATE TABLE notes_words (id INTEGER PRIMARY KEY) STRICT;"
    derived = ["notes_seen", "notes_words"]
    assert result_of(modules.open("notes", [TABLE, own, further], derived)).is_emptying
