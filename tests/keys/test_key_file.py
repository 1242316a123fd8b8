"""The key file: private, always complete, with both keys during a change."""

import os
import stat
from pathlib import Path

import pytest

from qabel.keys.key_file import KeyFile
from qabel.store.database.creating import ensure_key
from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.key_record import KeyRecord


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """Return a key file that does not exist yet."""
    return KeyFile(tmp_path / "key")


def test_a_fresh_key_is_created_once(keys: KeyFile) -> None:
    """The first start creates a random key that only its owner may read, and later ones use it."""
    made = ensure_key(keys)
    assert len(made.current) == 32
    assert ensure_key(keys) == keys.read() == made
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert keys.path.read_text() == made.current.hex() + "\n"


def test_two_keys_during_a_change(keys: KeyFile) -> None:
    """During a change the file has both keys, the one in force first."""
    both = KeyRecord(b"\x01" * 32, b"\x02" * 32)
    keys.write(both)
    assert keys.read() == both
    assert keys.read().candidates == (b"\x01" * 32, b"\x02" * 32)
    assert list(keys.path.parent.iterdir()) == [keys.path]


def test_earlier_keys_are_kept(keys: KeyFile) -> None:
    """Each change adds the previous key to the earlier ones, which open old backups."""
    one, two, three = (bytes([each]) * 32 for each in (1, 2, 3))
    keys.write(KeyRecord(one))
    for following in (two, three, two):
        record = keys.read()
        keys.write(record.changing(record.current, following))
        assert keys.read().candidates[:2] == (record.current, following)
        keys.write(keys.read().settled(following))
    assert keys.read() == KeyRecord(two, earlier=(three, one))


def test_a_forgotten_key_leaves_no_file(keys: KeyFile) -> None:
    """Forgetting removes the file, and what an interrupted write left beside it."""
    ensure_key(keys)
    keys.path.with_name("key.new").write_text("00" * 32)
    keys.forget()
    keys.forget()
    assert list(keys.path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "earlier " + "00" * 32,
        ("earlier " + "00" * 32 + "\n") + "00" * 32,
        "0 " * 32 + "00" * 16,
        "",
        "00",
        "00" * 31,
        "00" * 33,
        "zz" * 32,
        ("00" * 32 + "\n") * 3,
        "\u00e4" * 64,
        "\n" * 5,
    ],
)
def test_a_malformed_file_is_rejected(keys: KeyFile, text: str) -> None:
    """A file without a valid key is rejected, and its content not quoted."""
    keys.path.touch(0o600)
    keys.path.write_text(text)
    with pytest.raises(KeyTrouble, match="contains no database key"):
        keys.read()


def test_a_missing_file_is_reported(keys: KeyFile) -> None:
    """The error for a missing key file says what to do."""
    with pytest.raises(KeyMissing, match="missing"):
        keys.read()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_open_to_others_is_rejected(keys: KeyFile, mode: int) -> None:
    """A key file that others may read is rejected until its permissions are corrected."""
    ensure_key(keys)
    keys.path.chmod(mode)
    with pytest.raises(KeyTrouble, match="chmod 600"):
        keys.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_rejected(keys: KeyFile) -> None:
    """A key file of another user is rejected."""
    ensure_key(keys)
    os.chown(keys.path, 12345, -1)
    with pytest.raises(KeyTrouble, match="another user"):
        keys.read()


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """A missing directory is an error of one line."""
    with pytest.raises(KeyTrouble, match="cannot be written"):
        ensure_key(KeyFile(tmp_path / "missing" / "key"))
