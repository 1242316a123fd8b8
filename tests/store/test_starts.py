"""The starts of the daemon: noted with their first number, and bounded."""

from pathlib import Path

import pytest

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from qabel.store.numbers import add_event, take_numbers
from qabel.store.starts import Start, load_starts, note_start
from tests.store.conftest import KEY


def start(path: Path, entries: int) -> str:
    """Open a database, add entries, close it, and return the mark of this start."""
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    for _ in range(entries):
        result_of(database.run(lambda connection: add_event(connection, "settings", b"{}", 1)))
    result_of(database.close())
    return database.start_mark


def starts(path: Path) -> list[Start]:
    """Return the newest two starts that a database has."""
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    found = result_of(database.run(load_starts))
    result_of(database.close())
    return list(found[-2:])


def test_a_start_is_stored_with_its_first_number(path: Path) -> None:
    """Each start that gave numbers is there, with the last number before it."""
    first, second = start(path, 3), start(path, 1)
    assert starts(path) == [Start(first, 0), Start(second, 3)]


def test_starts_without_numbers_leave_nothing(path: Path) -> None:
    """However often the daemon is started, a start to which nothing happens is not stored."""
    first, second = start(path, 1), start(path, 1)
    for _ in range(20):
        start(path, 0)
    assert starts(path) == [Start(first, 0), Start(second, 1)]


def test_a_number_that_was_not_given_notes_nothing(database: Database) -> None:
    """A transaction that fails leaves neither a number nor a start."""

    def work(connection: Connection) -> None:
        take_numbers(connection)
        raise KeyError

    with pytest.raises(KeyError):
        result_of(database.run(work))
    assert len(result_of(database.run(load_starts))) == 1


def test_starts_are_bounded(database: Database) -> None:
    """Of very many starts, the newest are kept."""

    def work(connection: Connection) -> None:
        for number in range(8):
            connection.execute("UPDATE state SET last_seq = ?", (number + 1,))
            connection.start_mark = f"mark{number}"
            note_start(connection, keep=5)

    result_of(database.run(work))
    found = result_of(database.run(load_starts))
    assert found == tuple(Start(f"mark{each}", each + 1) for each in range(3, 8))


def test_what_is_no_start_takes_numbers_too(database: Database) -> None:
    """A connection without a mark stores none."""

    def work(connection: Connection) -> int:
        connection.start_mark = None
        return take_numbers(connection)

    assert result_of(database.run(work)) == 1
    assert len(result_of(database.run(load_starts))) == 1
