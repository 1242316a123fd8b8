"""Reading a table around damage: it ends, and says what is missing."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.around import Around, Table, read_around, read_until_damage
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.key_record import GivenKey
from tests.store.conftest import KEY
from tests.store.database.pages_of import overwrite, pages_of

COUNT = 1300
EVENTS = Table(name="events", key="seq", columns="kind, detail")
ALL = "SELECT * FROM events"


@pytest.fixture
def filled(path: Path) -> Path:
    """Return a closed database with more events than are read at once."""
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())

    def work(connection: Connection) -> None:
        for seq in range(1, COUNT + 1):
            row = (seq, "odd" if seq % 2 else "even", b"x" * 100)
            connection.execute(
                "INSERT INTO events (seq, kind, detail, created) VALUES (?, ?, ?, 1)", row
            )

    result_of(database.run(work))
    result_of(database.close())
    return path


def read(path: Path, table: Table = EVENTS, **given: Any) -> Around:
    """Read a table of a closed database."""
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    values = {"after": 0, "limit": 10_000, "upto": COUNT, **given}
    try:
        return result_of(Deferred.fromCoroutine(read_around(database, table, **values)))
    finally:
        result_of(database.close())


def test_without_damage_all_is_read(filled: Path) -> None:
    """A whole table is read in several jobs, in order, with its end as the last key."""
    around = read(filled)
    assert [row[0] for row in around.rows] == list(range(1, COUNT + 1))
    assert (around.gaps, around.last) == ([], COUNT)


def test_limits_and_conditions(filled: Path) -> None:
    """Only rows that are wanted are returned and counted."""
    table = Table(
        name="events", key="seq", columns="kind", condition="kind = :k", parameters={"k": "even"}
    )
    around = read(filled, table, after=10, limit=3)
    assert around.rows == [(12, "even"), (14, "even"), (16, "even")]
    assert around.last == 16


def test_each_damaged_page_is_a_gap(filled: Path) -> None:
    """Rows and gaps together are the whole table, whichever pages are damaged."""
    pages = list(pages_of(filled, KEY, ALL))
    for page in pages[2:4] + pages[-1:]:
        overwrite(filled, page)
    around = read(filled)
    missing = [number for first, last in around.gaps for number in range(first, last + 1)]
    assert sorted([*missing, *(row[0] for row in around.rows)]) == list(range(1, COUNT + 1))
    assert 3 <= len(missing) < 200


def test_a_table_without_its_root(filled: Path) -> None:
    """If nothing can be read, all of it is one gap."""
    whole, found = filled.read_bytes(), []
    for page in pages_of(filled, KEY, ALL):
        filled.write_bytes(whole)
        overwrite(filled, page)
        found.append(read(filled).gaps)
    assert [(1, COUNT)] in found


def test_other_errors_are_not_damage(database: Database) -> None:
    """A statement that is wrong fails."""
    with pytest.raises(StoreError, match="no such table"):
        result_of(database.run(lambda c: read_until_damage(c, "SELECT * FROM missing", {})))
