"""Whether a closed database is whole."""

import os
from pathlib import Path

import pytest

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreError, WrongKey
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.database.wholeness import check_whole, examine
from qabel.store.key_record import GivenKey
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


def change(connection: Connection) -> None:
    """Change something."""
    connection.execute("UPDATE state SET stranger_bytes = 5")


def test_a_database_whose_daemon_was_killed(tmp_path: Path) -> None:
    """What is in the write-ahead log counts, and both files stay as they are."""
    path = tmp_path / "one" / "qabel.db"
    path.parent.mkdir()
    database = Database(path, GivenKey(bytes(32)), worker=InlineWorker)
    result_of(database.open())
    result_of(database.run(change))
    copy = tmp_path / "two"
    copy.mkdir()
    for name in ("qabel.db", "qabel.db-wal"):
        (copy / name).write_bytes((path.parent / name).read_bytes())
    result_of(database.close())
    before = {name: (copy / name).read_bytes() for name in ("qabel.db", "qabel.db-wal")}
    examine(copy / "qabel.db", GivenKey(bytes(32)))
    assert {name: (copy / name).read_bytes() for name in before} == before
    with pytest.raises(WrongKey):
        examine(copy / "qabel.db", GivenKey(b"x" * 32))
    with (copy / "qabel.db").open("r+b") as file:
        file.seek(4096 * 7 + 50)
        file.write(b"damage")
    with pytest.raises(Corrupt):
        examine(copy / "qabel.db", GivenKey(bytes(32)))
