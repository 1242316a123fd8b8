"""Clearing: the log is kept short and emptied on demand, and pages are examined once each."""

import random
from pathlib import Path
from typing import Any

import pytest

from qabel.store.database import clearing
from qabel.store.database.clearing import Clearing
from qabel.store.database.connection import BUSY_TIMEOUT, Connection, configure, connect
from qabel.store.database.errors import Busy, Corrupt
from qabel.store.database.log_file import log_path, pages_in_log, write_log
from tests.store.database.pages_of import overwrite

KEY = bytes(range(32))


@pytest.fixture
def connection(empty: Connection) -> Connection:
    """Return a connection to a file with a log and one table."""
    empty.execute("PRAGMA journal_mode = WAL")
    configure(empty)
    empty.execute("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)")
    return empty


def churn(connection: Connection, rounds: int = 30) -> None:
    """Add and delete rows of all lengths, so that SQLite moves many from page to page."""
    dice = random.Random(1)  # noqa: S311 - it is to be repeatable
    for _ in range(rounds):
        connection.executemany(
            "INSERT INTO words (word) VALUES (?)",
            [("w" * dice.choice([10, 300, 1000, 2500]),) for _ in range(40)],
        )
        connection.execute("DELETE FROM words WHERE id IN (SELECT id FROM words WHERE id % 3)")


def test_the_log_is_emptied(connection: Connection, path: Path) -> None:
    """Afterwards the log is empty, and all that was in it is in the file."""
    clear = Clearing(path)
    connection.execute("INSERT INTO words (word) VALUES ('here')")
    clear.empty_log(connection)
    assert log_path(path).stat().st_size == 0
    assert not clear.is_done
    other = connect(path, KEY, mode="ro", immutable=True)
    assert other.execute("SELECT word FROM words").fetchall() == [("here",)]
    other.close()


def test_a_reader_is_in_the_way(connection: Connection, path: Path) -> None:
    """While somebody reads, nobody waits: it is refused at once, and works afterwards."""
    clear = Clearing(path)
    reader = connect(path, KEY)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM words").fetchall()
    connection.execute("INSERT INTO words (word) VALUES ('here')")
    with pytest.raises(Busy):
        clear.empty_log(connection)
    reader.execute("COMMIT")
    reader.close()
    clear.empty_log(connection)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (BUSY_TIMEOUT,)


def test_the_log_does_not_grow_without_end(
    connection: Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is long it is merged and begun anew; the pages that were in it stay known."""
    monkeypatch.setattr(clearing, "LOG_LIMIT", 30)
    clear = Clearing(path)
    clear.limit_log(connection)
    for _ in range(50):
        connection.execute("INSERT INTO words (word) VALUES (?)", ("x" * 20_000,))
        clear.limit_log(connection)
    assert log_path(path).stat().st_size < 60 * 4120
    written = set(clear._unclear)
    clear.begin()
    assert clear._unclear - written <= {1}


def test_nothing_is_lost_by_clearing(connection: Connection, path: Path) -> None:
    """Pages that showed too much are replaced; all rows stay, and each page is examined once."""
    churn(connection)
    rows = connection.execute("SELECT * FROM words").fetchall()
    clear = Clearing(path)
    clear.empty_log(connection)
    replaced: set[int] = set()
    while not clear.is_done:
        pages = clear.examine(KEY, 7)
        assert len(pages) <= 7
        assert not replaced & set(pages)
        replaced |= set(pages)
        size = clear.size
        connection.close()
        clear.release()
        write_log(path, pages, size)
        connection = connect(path, KEY)
        configure(connection)
        clear.merge_log(connection)
    assert replaced
    assert connection.execute("SELECT * FROM words").fetchall() == rows
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
    clear.begin()
    assert clear.examine(KEY, 10_000) == {}
    connection.close()


def test_what_cannot_be_understood_stays(connection: Connection, path: Path) -> None:
    """With another key, or in a damaged page, nothing is replaced."""
    churn(connection)
    clear = Clearing(path)
    clear.empty_log(connection)
    clear.begin()
    assert clear.examine(bytes(32), 10_000) == {}
    connection.close()
    clear.release()
    data = bytearray(path.read_bytes())
    for start in range(0, len(data), 4096):
        data[start + 4000] ^= 1
    path.write_bytes(data)
    clear.begin()
    assert clear.examine(KEY, 10_000) == {}


def test_pages_beyond_the_file_are_left_out(connection: Connection, path: Path, got: Any) -> None:
    """The log may know pages that were taken from the file since: they need no clearing."""
    churn(connection, 3)
    clear = Clearing(path)
    clear._unclear = {clear.size + 5}
    assert clear.examine(KEY) == {}
    assert clear.is_done


def test_pages_are_checked_a_few_at_a_time(
    connection: Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page of the file is checked once, and damage is found in whichever it is."""
    monkeypatch.setattr(clearing, "PAGES_AT_ONCE", 3)
    churn(connection)
    clear = Clearing(path)
    clear.empty_log(connection)
    following, firsts = 1, []
    while following is not None:
        firsts.append(following)
        following = clear.check(KEY, following)
    assert firsts == list(range(1, clear.size + 1, 3))
    overwrite(path, clear.size)
    with pytest.raises(Corrupt):
        clear.check(KEY, firsts[-1])
    clear.release()


def test_a_page_that_the_log_replaces_is_not_damaged(connection: Connection, path: Path) -> None:
    """Damage to what is to be overwritten anyway loses nothing."""
    churn(connection)
    clear = Clearing(path)
    clear.empty_log(connection)
    connection.execute("UPDATE words SET word = 'new' WHERE id = (SELECT max(id) FROM words)")
    [page] = pages_in_log(path)
    overwrite(path, page)
    assert clear.check(KEY, 1) is None
    clear.empty_log(connection)
    assert clear.check(KEY, 1) is None
    overwrite(path, page)
    with pytest.raises(Corrupt):
        clear.check(KEY, 1)
    clear.release()
