"""A key on its way from one place to another: what each place holds, step by step."""

from pathlib import Path

import pytest

from qabel.keys.key_file import KeyFile
from qabel.keys.key_move import KeyMove
from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.key_record import KeyRecord

ONE, TWO, THREE, FOUR = (bytes([number]) * 32 for number in (1, 2, 3, 4))

BEFORE = KeyRecord(ONE, earlier=(THREE,))
DURING = BEFORE.changing(ONE, TWO)
AFTER = DURING.settled(TWO)


@pytest.fixture
def old(tmp_path: Path) -> KeyFile:
    """Return the old place, which holds the key."""
    keys = KeyFile(tmp_path / "old")
    keys.write(BEFORE)
    return keys


@pytest.fixture
def new(tmp_path: Path) -> KeyFile:
    """Return the new place, which is empty."""
    return KeyFile(tmp_path / "new")


def test_a_key_moves(old: KeyFile, new: KeyFile) -> None:
    """The new place gets both keys, then the new one, and the old place stays as it was."""
    move = KeyMove(old, new)
    move.begin()
    assert move.read() == BEFORE
    move.write(DURING)
    assert move.read() == new.read() == DURING
    move.write(AFTER)
    move.end()
    assert move.read() == new.read() == AFTER
    assert old.read() == BEFORE
    assert move.place == new.place


def test_a_key_changes_in_one_place(old: KeyFile) -> None:
    """The old place can be the new one, and holds every step of the change."""
    move = KeyMove(old, KeyFile(old.path))
    move.begin()
    for record in (DURING, AFTER):
        move.write(record)
        assert old.read() == move.read() == record
    move.end()
    assert old.read() == AFTER


def test_before_it_begins_only_the_old_place_counts(old: KeyFile, new: KeyFile) -> None:
    """An interrupted earlier change is completed in the old place."""
    move = KeyMove(old, new)
    move.write(AFTER)
    assert old.read() == AFTER
    with pytest.raises(KeyMissing):
        new.read()


def test_a_failed_change_leaves_nothing_behind(old: KeyFile, new: KeyFile) -> None:
    """When the database stays under the old key, the new place is emptied again."""
    move = KeyMove(old, new)
    move.begin()
    move.write(DURING)
    move.write(BEFORE)
    assert new.read() == DURING
    move.end()
    assert old.read() == BEFORE
    with pytest.raises(KeyMissing):
        new.read()


def test_a_failed_change_in_one_place(old: KeyFile) -> None:
    """When the database stays under the old key, its only place holds what it did before."""
    move = KeyMove(old, KeyFile(old.path))
    move.begin()
    move.write(DURING)
    move.write(BEFORE)
    move.end()
    assert old.read() == BEFORE


def test_a_new_place_that_cannot_be_written(old: KeyFile, tmp_path: Path) -> None:
    """If both keys cannot be stored, the old place remains in force and is not changed."""
    new = KeyFile(tmp_path / "missing" / "new")
    move = KeyMove(old, new)
    move.begin()
    with pytest.raises(KeyTrouble, match="cannot be written"):
        move.write(DURING)
    assert move.read() == old.read() == BEFORE


def test_a_copy_of_the_key_in_the_new_place(old: KeyFile, new: KeyFile) -> None:
    """Keys that the new place already had are kept as earlier ones, each once."""
    new.write(KeyRecord(FOUR, earlier=(ONE, THREE)))
    move = KeyMove(old, new)
    move.begin()
    move.write(DURING)
    assert new.read() == KeyRecord(ONE, TWO, (THREE, FOUR))


def test_a_copy_of_the_key_survives_a_failed_change(old: KeyFile, new: KeyFile) -> None:
    """A new place that already had the key holds afterwards what it did before."""
    copy = KeyRecord(FOUR, earlier=(ONE,))
    new.write(copy)
    move = KeyMove(old, new)
    move.begin()
    move.write(DURING)
    move.write(BEFORE)
    move.end()
    assert new.read() == copy


def test_the_key_of_another_database_is_not_overwritten(old: KeyFile, new: KeyFile) -> None:
    """A change does not begin if the new place holds a key that is not this database's."""
    new.write(KeyRecord(FOUR))
    with pytest.raises(KeyTrouble, match="already stored"):
        KeyMove(old, new).begin()
    assert (old.read(), new.read()) == (BEFORE, KeyRecord(FOUR))


def test_a_place_without_a_key_cannot_be_the_old_one(new: KeyFile, tmp_path: Path) -> None:
    """A change needs a key to begin with, and creates none."""
    with pytest.raises(KeyMissing):
        KeyMove(new, KeyFile(tmp_path / "third")).begin()
    assert list(tmp_path.iterdir()) == []


def test_forgetting_empties_the_new_place(old: KeyFile, new: KeyFile) -> None:
    """Forgetting removes the key from the new place only."""
    new.write(BEFORE)
    KeyMove(old, new).forget()
    assert not new.path.exists()
    assert old.read() == BEFORE
