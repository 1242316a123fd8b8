"""Salvaging a data directory into a new one."""

from pathlib import Path

import pytest

from qabel.host.data_directory import DirectoryLock
from qabel.host.start_errors import StartError
from qabel.offline import salvaging
from qabel.offline.salvaging import salvage_directory
from qabel.store.database.connection import connect
from qabel.store.database.errors import StoreError
from qabel.store.database.wholeness import check_whole
from qabel.store.file_names import DATABASE, KEY
from tests.offline.conftest import contents, silent
from tests.store.database import filled


def test_all_of_it(directory: Path, tmp_path: Path) -> None:
    """The new directory has all rows, the key and the main token; nothing changes in the old."""
    connection = connect(directory / DATABASE, filled.KEY)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("INSERT INTO documents VALUES ('new', x'00')")
    before, new = contents(directory), tmp_path / "new"
    result = salvage_directory(directory, new, "file", silent)
    assert contents(directory) == before
    connection.close()
    assert (result.losses, result.damaged_pages) == ((), 0)
    assert set(contents(new)) == {DATABASE, KEY, "api-token", "lock"}
    assert {each.stat().st_mode & 0o77 for each in new.iterdir()} == {0}
    assert filled.rows_of(new / DATABASE, "SELECT count(*) FROM documents") == [(3,)]
    check_whole(new / DATABASE, filled.KEY)


def test_directories_that_are_refused(directory: Path, tmp_path: Path) -> None:
    """A directory with anything in it is not used, nor one that a daemon uses."""
    new = tmp_path / "new"
    new.mkdir()
    (new / "mine").touch()
    with pytest.raises(StartError, match="not empty"):
        salvage_directory(directory, new, "file", silent)
    (new / "mine").unlink()
    with DirectoryLock(directory), pytest.raises(StartError, match="stop the daemon"):
        salvage_directory(directory, new, "file", silent)
    with pytest.raises(StartError, match="no database"):
        salvage_directory(tmp_path, new, "file", silent)
    assert contents(new) == {}


def test_interrupted(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted at its end, there is no database under its name; it can be repeated."""
    new = tmp_path / "new"

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(salvaging, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            salvage_directory(directory, new, "file", silent)
    assert DATABASE not in contents(new)
    (new / ".salvage.db").touch()
    (new / "qabel.db.new-wal").touch()
    salvage_directory(directory, new, "file", silent)
    assert set(contents(new)) == {DATABASE, KEY, "api-token", "lock"}


def test_nothing_to_read(directory: Path, tmp_path: Path) -> None:
    """When the first page is damaged, one error says to restore a backup."""
    filled.damage_page(directory / DATABASE, 1)
    with pytest.raises(StoreError, match="qabel restore"):
        salvage_directory(directory, tmp_path / "new", "file", silent)
    assert set(contents(tmp_path / "new")) == {"lock"}
