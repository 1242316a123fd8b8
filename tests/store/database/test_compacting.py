"""Compacting: the whole content in a smaller file, or the file as it was."""

from pathlib import Path

import pytest

from qabel.store.database.compacting import compact
from qabel.store.database.connection import connect
from qabel.store.database.errors import StoreError
from tests.store.database.filled import KEY, MESSAGES, damage_page, fill, rows_of


def test_it_is_smaller_and_gives_space_back(path: Path) -> None:
    """A database of the first version without most of its rows shrinks, and will do so again."""
    fill(path, 1)
    connection = connect(path, KEY)
    connection.execute("DELETE FROM messages WHERE id > 5")
    connection.close()
    before = path.stat().st_size
    compact(path, KEY)
    assert path.stat().st_size < before / 2
    assert rows_of(path, "SELECT count(*) FROM messages") == [(3,)]
    assert rows_of(path, "SELECT count(*) FROM events") == [(MESSAGES,)]
    assert rows_of(path, "PRAGMA auto_vacuum") == [(2,)]
    assert rows_of(path, "PRAGMA user_version") == [(1,)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_damaged_database_stays_as_it_is(path: Path) -> None:
    """What is damaged is not replaced by something that looks whole."""
    fill(path)
    damage_page(path, 40)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        compact(path, KEY)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
