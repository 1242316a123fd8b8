"""Backups: whole copies of the database, named by the user or by the time."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from qabel.core.backups import MAX_NAME, BackupNameForm, Backups
from qabel.core.errors import Conflict, Invalid
from qabel.core.status.views import BackupView
from qabel.deferreds import result_of
from qabel.forms.errors import InvalidInput
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.store.documents import DocumentRepository
from qabel.store.key_record import GivenKey
from tests.core.conftest import ClockedWorld

Write = Callable[..., BackupView]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the directory of the backups, which does not exist yet."""
    return tmp_path / "backups"


@pytest.fixture
def write(folder: Path, database: Database) -> Write:
    """Return what writes a backup, at a quarter past three on a day in November."""
    backups = Backups(folder, database, lambda: 1795922100.0, "the file /k", Path("/k"))
    return lambda *name: result_of(Deferred.fromCoroutine(backups.write(*name)))


def test_a_backup_is_a_whole_database(write: Write, database: Database) -> None:
    """A backup opens under the same key, and has what was in the database."""
    result_of(DocumentRepository(database).save("settings", b"{}", event=False, now=0.0))
    written = write("copy.db")
    copy = Database(Path(written.path), GivenKey(bytes(32)), worker=InlineWorker)
    result_of(copy.open())
    assert result_of(DocumentRepository(copy).load("settings")) == b"{}"
    result_of(copy.close())


def test_the_file_and_its_size_are_told(write: Write, folder: Path) -> None:
    """The view has the file, its size and its key; the directory is for its owner alone."""
    view = write("copy.db")
    assert view.path == str(folder / "copy.db")
    assert view.size == (folder / "copy.db").stat().st_size > 0
    assert (view.key, view.key_file) == ("the file /k", "/k")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_name_it_is_the_time(write: Write) -> None:
    """A backup that is not named has the time in UTC for a name."""
    assert Path(write().path).name == "20261129T031500Z.db"


def test_a_name_is_used_once(write: Write, folder: Path) -> None:
    """A backup does not overwrite another."""
    write("copy.db")
    before = (folder / "copy.db").read_bytes()
    with pytest.raises(Conflict):
        write("copy.db")
    assert (folder / "copy.db").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a/b", "../a", "/a", "a b", "a\n", "a\0", "ä", "²", "a" * 101],
)
def test_names_that_are_no_file_names(write: Write, folder: Path, name: str) -> None:
    """A name that is a path, hidden, too long or of other characters is refused."""
    with pytest.raises(Invalid):
        write(name)
    assert not folder.exists()


@given(st.text("aZ0.-_/ ä", max_size=6) | st.text(max_size=6) | st.just("a" * (MAX_NAME + 1)))
def test_the_schema_describes_the_names(name: str) -> None:
    """A name is accepted if, and only if, it matches the pattern and the lengths of the schema."""
    schema = BackupNameForm().schema()
    fits = schema["minLength"] <= len(name) <= schema["maxLength"]
    try:
        assert BackupNameForm().read(name) == name
        accepted = True
    except InvalidInput:
        accepted = False
    assert accepted == (fits and bool(re.fullmatch(schema["pattern"], name)))


def test_interrupted_backups_are_removed(clocked: ClockedWorld) -> None:
    """What a kill left of a backup is gone after the next start; complete ones stay."""
    core = clocked.run(clocked.core("me"))
    kept = Path(clocked.run(core.backup("kept.partial")).path)
    clocked.run(core.close())
    folder = kept.parent
    empty = ("broken.db", "begun.db", ".hidden")
    for name in (*empty, "broken.db.partial", "broken.db.partial-wal", ".a.db.partial"):
        (folder / name).write_bytes(b"" if name in empty else b"secret")
    clocked.run(clocked.core("me"))
    assert sorted(each.name for each in folder.iterdir()) == [".hidden", "kept.partial"]
