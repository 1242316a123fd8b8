"""Free pages are given back to the file system."""

from pathlib import Path

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.store.database.shrinking import KEEP_FREE, PAGES_AT_ONCE, Shrinking
from qabel.store.database.wholeness import check_whole
from qabel.store.key_record import GivenKey
from tests.store.conftest import KEY
from tests.store.database.filled import fill

PAIR = "INSERT INTO documents VALUES (?, ?)"


def free(database: Database) -> int:
    """Return how many pages are free."""
    [(count,)] = result_of(
        database.run(lambda connection: connection.execute("PRAGMA freelist_count").fetchall())
    )
    return int(count)


def test_the_file_shrinks_in_small_steps(database: Database, path: Path) -> None:
    """After most of it was deleted, the file becomes small, and stays whole; a little is kept."""
    pairs = [(f"{number}", b"x" * 3000) for number in range(2000)]
    result_of(database.run(lambda connection: connection.executemany(PAIR, pairs) and None))
    result_of(database.run(lambda c: c.execute("DELETE FROM documents WHERE name > '1'") and None))
    while not result_of(database.erasing._erase_some()):
        continue
    before, shrinking, steps = path.stat().st_size, Shrinking(database), 0
    last = free(database)
    while result_of(shrinking.shrink_some()):
        assert 0 < last - free(database) <= PAGES_AT_ONCE
        last, steps = free(database), steps + 1
    assert steps > 5
    assert KEEP_FREE - PAGES_AT_ONCE <= free(database) <= KEEP_FREE
    assert not result_of(shrinking.shrink_some())
    while not result_of(database.erasing._erase_some()):
        continue
    assert path.stat().st_size < before / 3
    result_of(database.close())
    check_whole(path, KEY)


def test_a_database_of_the_first_version_keeps_its_size(path: Path) -> None:
    """Where nothing can be given back before it is compacted, nothing is done."""
    fill(path)
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    result_of(database.run(lambda c: c.execute("DELETE FROM messages") and None))
    assert not result_of(Shrinking(database).shrink_some())
    result_of(database.close())
