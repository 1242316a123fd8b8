"""The tables of modules."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.modules.changes import Change
from qabel.store.modules.entries import Place
from qabel.store.modules.progress import ModuleRepository
from qabel.store.modules.tables import ModuleStoreError
from tests.store.modules.conftest import SEEN, TABLE, Mail, write


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


def test_what_is_deleted_goes_from_the_tables(
    modules: ModuleRepository, mail: Mail, rows: Callable[..., Any]
) -> None:
    """Rows go with the message that they are about, whether the module runs or not."""
    [one] = mail.receive("note")
    result_of(modules.open("notes", [TABLE]))
    write(modules, Place(), Place(one), [Change(SEEN, [(one,)])])
    rows("DELETE FROM messages")
    assert rows("SELECT count(*) FROM notes_seen") == [(0,)]
