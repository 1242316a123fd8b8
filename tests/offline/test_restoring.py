"""Restoring: a whole data directory, or nothing."""

import shutil
from pathlib import Path

import pytest

from qabel.host.start_errors import StartError
from qabel.keys.passphrase import Passphrase, Strength
from qabel.offline.restoring import restore
from qabel.store.database.connection import connect
from qabel.store.database.errors import KeyTrouble, NotADatabase, StoreError, WrongKey
from qabel.store.database.wholeness import check_whole
from qabel.store.file_names import DATABASE, KEY, SEALED_KEY
from qabel.store.key_record import KeyRecord
from tests.offline.conftest import contents, silent
from tests.store.database import filled

PHRASE = b"correct horse"


@pytest.fixture
def backup(directory: Path, tmp_path: Path) -> Path:
    """Return a backup, without its key."""
    made = tmp_path / "backups" / "monday.db"
    made.parent.mkdir()
    shutil.copyfile(directory / DATABASE, made)
    return made


@pytest.fixture
def key_beside(directory: Path, backup: Path) -> Path:
    """Return the file with the key, beside the backup."""
    return Path(shutil.copy(directory / KEY, f"{backup}.key"))


def test_with_the_key_beside_it(backup: Path, key_beside: Path, tmp_path: Path) -> None:
    """The directory has the database and its key, for its owner alone; the backup stays."""
    before = contents(backup.parent)
    made = restore(backup, tmp_path / "new", "file", silent)
    assert made.path == tmp_path / "new" / DATABASE
    check_whole(made.path, filled.KEY)
    assert (tmp_path / "new" / KEY).read_bytes() == key_beside.read_bytes()
    assert {each.stat().st_mode & 0o77 for each in (tmp_path / "new").iterdir()} == {0}
    assert set(contents(tmp_path / "new")) == {DATABASE, KEY, "lock"}
    assert contents(backup.parent) == before


def test_with_a_key_elsewhere(backup: Path, directory: Path, tmp_path: Path) -> None:
    """A key in another file is used where it is; without any key it says what to pass."""
    with pytest.raises(KeyTrouble, match="--key file:PATH"):
        restore(backup, tmp_path / "new", "file", silent)
    restore(backup, tmp_path / "new", f"file:{directory / KEY}", silent)
    assert set(contents(tmp_path / "new")) == {DATABASE, "lock"}


def test_with_a_sealed_key(backup: Path, tmp_path: Path) -> None:
    """A key under a passphrase is copied as it is, once the passphrase opens it."""
    beside = backup.with_name("monday.db.key")
    Passphrase(beside, PHRASE, strength=Strength(1, 8192)).write(KeyRecord(filled.KEY))
    with pytest.raises(KeyTrouble, match="passphrase-fd:0"):
        restore(backup, tmp_path / "new", "file", silent)
    phrase = tmp_path / "phrase"
    for text, fits in ((b"wrong passphrase", False), (PHRASE, True)):
        phrase.write_bytes(text)
        phrase.chmod(0o600)
        if fits:
            restore(backup, tmp_path / "new", f"passphrase-file:{phrase}", silent)
        else:
            with pytest.raises(WrongKey):
                restore(backup, tmp_path / "new", f"passphrase-file:{phrase}", silent)
            assert set(contents(tmp_path / "new")) == {"lock"}
    assert (tmp_path / "new" / SEALED_KEY).read_bytes() == beside.read_bytes()


def test_a_plain_key_is_sealed_on_request(backup: Path, key_beside: Path, tmp_path: Path) -> None:
    """With a passphrase for a plain key, the new directory has it sealed, and not plain."""
    phrase = tmp_path / "phrase"
    phrase.write_bytes(PHRASE)
    phrase.chmod(0o600)
    restore(backup, tmp_path / "new", f"passphrase-file:{phrase}", silent)
    assert set(contents(tmp_path / "new")) == {DATABASE, SEALED_KEY, "lock"}
    assert Passphrase(tmp_path / "new" / SEALED_KEY, PHRASE).read().current == filled.KEY


def test_a_wrong_key(backup: Path, key_beside: Path, tmp_path: Path) -> None:
    """With a key that does not fit, the directory has neither a database nor a key."""
    key_beside.write_text("0" * 64 + "\n")
    with pytest.raises(WrongKey):
        restore(backup, tmp_path / "new", "file", silent)
    assert set(contents(tmp_path / "new")) == {"lock"}


@pytest.mark.parametrize("page", [1, 2, 30, 90])
def test_a_damaged_backup(backup: Path, key_beside: Path, tmp_path: Path, page: int) -> None:
    """A damaged backup is not restored."""
    filled.damage_page(backup, page)
    with pytest.raises(StoreError):
        restore(backup, tmp_path / "new", "file", silent)
    assert set(contents(tmp_path / "new")) == {"lock"}


def test_a_directory_with_a_database(backup: Path, directory: Path) -> None:
    """A database is never replaced."""
    before = contents(directory)
    with pytest.raises(StartError, match="has a database already"):
        restore(backup, directory, "file", silent)
    assert contents(directory) == before


def test_no_backup(tmp_path: Path) -> None:
    """A file that is not there is an error, and no directory is made."""
    with pytest.raises(StartError, match="no backup"):
        restore(tmp_path / "nosuch", tmp_path / "new", "file", silent)
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_no_backup(tmp_path: Path) -> None:
    """What cannot be a database is called that, whether there is a key or not."""
    text = tmp_path / "notes.txt"
    text.write_text("no backup")
    with pytest.raises(NotADatabase, match="is not a Qabel database"):
        restore(text, tmp_path / "new", "file", silent)
    assert not (tmp_path / "new").exists()


def test_a_cold_copy_with_its_log(directory: Path, tmp_path: Path) -> None:
    """Of a copied data directory, what is in the log of its database is restored too."""
    connection = connect(directory / DATABASE, filled.KEY)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("INSERT INTO documents VALUES ('new', x'00')")
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    connection.close()
    made = restore(copy / DATABASE, tmp_path / "new", f"file:{copy / KEY}", silent)
    sql = "SELECT name FROM documents WHERE name = 'new'"
    assert filled.rows_of(made.path, sql) == [("new",)]
