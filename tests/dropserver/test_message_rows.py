"""The rows of messages: what is due, also where pages are damaged."""

import sqlite3
from pathlib import Path

import pytest

from qabel.dropserver.message_rows import MessageRows, is_damage
from qabel.dropserver.message_tables import open_file
from qabel.dropserver.message_values import DAY, Post, Retention
from tests.dropserver.small_disk import damage_page

DROPS = [f"{number:043d}" for number in range(60)]

BEGIN = 1_795_000_000.0


def body_of(number: int) -> bytes:
    """Return a message of half a page."""
    return f"message {number}:".encode().ljust(2500, b".")


def rows_of(path: Path, days: float) -> MessageRows:
    """Open a file and return its rows, so many days later."""
    rows = MessageRows(open_file(path), Retention(quota=10**9), lambda: BEGIN + days * DAY)
    rows.begin()
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with a message in each of many drops, an hour after each other."""
    path = tmp_path / "drops.sqlite"
    rows = rows_of(path, 0)
    for number, drop in enumerate(DROPS):
        rows._now = lambda number=number: BEGIN + number * 3600
        rows.insert(Post(drop, body_of(number)))
    rows.store_state()
    rows.connection.close()
    return path


def delete_due(rows: MessageRows) -> int:
    """Delete all that is due, as far as that is possible; return how many were."""
    count = 0
    while (oldest := rows.find_due()) is not None:
        rows.connection.execute("BEGIN")
        try:
            rows.delete([oldest])
            rows.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            rows.connection.execute("ROLLBACK")
            rows.passed = oldest[0]
        count += 1
    return count


def left(rows: MessageRows) -> list[int]:
    """Return the numbers of the messages that can be read."""
    found = []
    for number, drop in enumerate(DROPS):
        try:
            selection = rows.select(drop, None)
            if selection and rows.read(drop, selection.after, selection.newest, 9):
                found.append(number)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
    return found


def test_due_is_what_is_too_old(path: Path) -> None:
    """Messages are due from their lifetime on, oldest first."""
    rows = rows_of(path, 7 + 10 / 24)
    assert delete_due(rows) == 10
    assert rows.find_due() is None
    assert left(rows) == list(range(10, 60))


@pytest.mark.parametrize("damaged", [(0,), (30,), (12, 35)])
def test_damaged_pages_are_passed_over(path: Path, damaged: tuple[int, ...]) -> None:
    """Where pages are damaged, all whole messages are deleted in time, and not before."""
    for number in damaged:
        damage_page(path, body_of(number))
    rows = rows_of(path, 7 + 40 / 24)
    delete_due(rows)
    assert left(rows) == list(range(40, 60))
    assert rows.passed >= BEGIN


def test_what_cannot_be_deleted_hides_nothing_for_ever(path: Path) -> None:
    """A drop with a damaged message can be read again once that message is too old."""
    rows = rows_of(path, 2)
    rows.insert(Post(DROPS[5], b"new"))
    rows.store_state()
    rows.connection.close()
    damage_page(path, body_of(5))
    rows = rows_of(path, 3)
    assert rows.find_due() is None
    with pytest.raises(sqlite3.DatabaseError):
        rows.read(DROPS[5], 0, 2**60, 9)
    rows = rows_of(path, 8)
    delete_due(rows)
    selection = rows.select(DROPS[5], None)
    assert selection is not None
    assert [body for _, body in rows.read(DROPS[5], selection.after, 2**60, 9)] == [b"new"]
