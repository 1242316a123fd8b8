"""What is known of drops that were asked for, in the message file: across restarts, in parts."""

import sqlite3
from pathlib import Path

import pytest

from qabel.dropserver.asked_rows import AskedRows, load_asked
from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_rows import MessageRows
from qabel.dropserver.message_tables import open_file
from qabel.dropserver.message_values import DAY, Retention, hash_drop_id
from tests.dropserver.small_disk import damage_page

NOW = 1_795_000_000

DROPS = [f"{number:043d}" for number in range(300)]


def open_rows(path: Path, now: float = NOW, lifetime: float = 7 * DAY) -> AskedRows:
    """Open a file, and load what it knows."""
    rows = MessageRows(open_file(path), Retention(quota=10**9), lambda: now)
    session = FileSession(path, rows)
    return AskedRows(session, lifetime, load_asked(session.connection, now))


def close(asked: AskedRows, now: float = NOW, most: int = 1000) -> list[int]:
    """Store all, and close the file; return how many rows each transaction changed."""
    found = []
    while rows := asked.store(now, most):
        found.append(rows)
    asked._session.close()
    return found


def known(asked: AskedRows, drops: list[str]) -> list[bool]:
    """Return of which drops it is known that they were asked for."""
    return [hash_drop_id(each) in asked.drops for each in drops]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the file."""
    return tmp_path / "drops.sqlite"


def test_it_is_known_after_a_restart(path: Path) -> None:
    """What was stored is loaded; what was known from the beginning stays known from then."""
    asked = open_rows(path)
    asked.note(DROPS[:200])
    close(asked)
    asked = open_rows(path, NOW + 10)
    assert (asked.drops.began, asked.drops.known_since) == (NOW, 0)
    assert known(asked, DROPS) == [True] * 200 + [False] * 100
    close(asked)


def test_it_is_stored_in_small_parts(path: Path) -> None:
    """No transaction is larger than it may be, and there is none when there is nothing new."""
    asked = open_rows(path)
    assert asked.store(NOW, 50) == 1
    assert asked.store(NOW, 50) == 0
    asked.note(DROPS)
    rows = close(asked, most=50)
    assert max(rows) == 51
    assert 250 < sum(each - 1 for each in rows) <= 300
    asked = open_rows(path)
    assert all(known(asked, DROPS))
    assert asked.store(NOW, 50) == 1
    asked.note(DROPS)
    assert asked.store(NOW, 50) == 0
    close(asked)


def test_it_is_forgotten(path: Path) -> None:
    """After two lifetimes nothing of it is in the file, also if it was stopped in between."""
    asked = open_rows(path)
    asked.note(DROPS[:200])
    close(asked, NOW + 7 * DAY)
    asked = open_rows(path, NOW + 7 * DAY)
    assert all(known(asked, DROPS[:200]))
    asked.note(DROPS[200:])
    while asked.drops.changed:
        asked.store(NOW + 14 * DAY, 1000)
    assert asked.store(NOW + 14 * DAY, 20) == 21
    asked._session.close()
    asked = open_rows(path, NOW + 14 * DAY)
    assert not any(known(asked, DROPS[:200]))
    assert all(known(asked, DROPS[200:]))
    close(asked, NOW + 14 * DAY, most=20)
    asked = open_rows(path, NOW + 14 * DAY)
    count = asked._session.connection.execute("SELECT count(*) FROM asked").fetchone()[0]
    assert (count, len(asked.drops.bits)) == (len(asked.drops.bits_before), 0)
    assert 90 < count <= 100
    close(asked, NOW + 14 * DAY)


def test_what_was_noted_before_a_turn_is_stored(path: Path) -> None:
    """Also if it was noted in the last moment, and the server is killed then."""
    asked = open_rows(path)
    asked.note(DROPS)
    assert asked.store(NOW + 8 * DAY, 100) == 101
    while asked.store(NOW + 8 * DAY, 100):
        pass
    asked._session.connection.close()
    assert asked.drops.began == NOW + 8 * DAY
    assert all(known(open_rows(path, NOW + 9 * DAY), DROPS))


def test_a_short_lifetime(path: Path) -> None:
    """Whoever asks once a day is known."""
    asked = open_rows(path, lifetime=60)
    asked.note(DROPS[:1])
    asked.store(NOW + DAY, 1000)
    assert known(asked, DROPS[:1]) == [True]
    close(asked)


def test_an_older_file(path: Path) -> None:
    """Of one that was brought up to date, it is known since then who asks."""
    connection = open_file(path)
    connection.execute("UPDATE asking SET known_since = NULL")
    connection.close()
    close(open_rows(path, NOW + 60))
    assert open_rows(path, NOW + 120).drops.known_since == NOW + 60


def test_a_transaction_that_fails(path: Path) -> None:
    """What could not be stored is stored later."""
    asked = open_rows(path)
    asked.note(DROPS)
    asked._session.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.Error):
        asked.store(NOW, 1000)
    asked._session.connection.execute("PRAGMA query_only = OFF")
    close(asked)
    assert all(known(open_rows(path), DROPS))


def test_a_damaged_page(path: Path) -> None:
    """It begins anew, and what was posted before is not taken for never asked for."""
    asked = open_rows(path)
    asked.note(DROPS)
    close(asked)
    part, bits = next(iter(asked.drops.bits.items()))
    assert part in asked.drops.bits
    damage_page(path, bits.to_bytes(512))
    asked = open_rows(path, NOW + 60)
    assert asked.drops.known_since == NOW + 60
