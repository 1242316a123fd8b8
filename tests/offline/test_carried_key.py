"""Keys that are brought into another data directory."""

from pathlib import Path

import pytest

from qabel.keys.key_file import KeyFile
from qabel.offline.carried_key import carry_key, file_of, is_sealed, key_beside, store_key_file
from qabel.store.database.errors import KeyTrouble
from qabel.store.file_names import KEY, SEALED_KEY
from qabel.store.key_record import GivenKey


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("file", KEY),
        ("file:/somewhere", None),
        ("keyring", None),
        ("passphrase-fd:0", SEALED_KEY),
        ("credential:x", SEALED_KEY),
    ],
)
def test_the_file_of_a_choice(choice: str, name: str | None) -> None:
    """Only keys in the data directory need a file there."""
    assert file_of(choice) == name


def test_the_file_is_copied_as_it_is(directory: Path, tmp_path: Path) -> None:
    """A key in a file is in the new directory too, for its owner alone."""
    new = tmp_path / "new"
    new.mkdir()
    carry_key("file", KeyFile(directory / KEY), directory, new)
    assert (new / KEY).read_bytes() == (directory / KEY).read_bytes()
    assert (new / KEY).stat().st_mode & 0o777 == 0o600
    carry_key("file:/elsewhere", GivenKey(bytes(32)), directory, new)
    assert [each.name for each in new.iterdir()] == [KEY]


def test_another_key_is_not_replaced(directory: Path) -> None:
    """A file with another key stays, and is an error; one with the same is none."""
    content = (directory / KEY).read_bytes()
    store_key_file(directory / KEY, content)
    with pytest.raises(KeyTrouble, match="another key"):
        store_key_file(directory / KEY, b"0" * 64)
    assert (directory / KEY).read_bytes() == content


def test_the_key_beside_a_backup(tmp_path: Path) -> None:
    """It is read from NAME.key, unless others could read that too."""
    assert key_beside(tmp_path / "monday.db") is None
    file = tmp_path / "monday.db.key"
    file.write_bytes(b'{"seals": []}')
    file.chmod(0o600)
    content = key_beside(tmp_path / "monday.db")
    assert content is not None
    assert is_sealed(content)
    file.chmod(0o644)
    with pytest.raises(KeyTrouble, match="accessible to other users"):
        key_beside(tmp_path / "monday.db")
