"""Whether a closed database is whole."""

import os
from pathlib import Path

import pytest

from qabel.store.database.errors import StoreError
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.database.wholeness import check_whole
from tests.store.database.filled import KEY, damage_page, fill


def test_a_whole_database(path: Path) -> None:
    """A database that is whole passes, and is not changed."""
    fill(path)
    before = path.read_bytes()
    check_whole(path, KEY)
    assert path.read_bytes() == before


@pytest.mark.parametrize("page", [1, 2, 10, 50, 100])
def test_a_damaged_page(path: Path, page: int) -> None:
    """One damaged page, wherever it is, is found."""
    fill(path)
    damage_page(path, page)
    with pytest.raises(StoreError):
        check_whole(path, KEY)


def test_a_truncated_file(path: Path) -> None:
    """A file without its last page is not whole."""
    fill(path)
    os.truncate(path, path.stat().st_size - PAGE_SIZE)
    with pytest.raises(StoreError):
        check_whole(path, KEY)
