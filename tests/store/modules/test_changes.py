"""What modules make of the journal."""

import pytest

from qabel.deferreds import result_of
from qabel.store.modules.changes import Change
from qabel.store.modules.entries import Place
from qabel.store.modules.progress import ModuleRepository
from qabel.store.modules.tables import ModuleStoreError
from tests.store.modules.conftest import TABLE, Mail, write


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
