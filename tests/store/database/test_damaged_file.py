"""Copies of damaged databases, in which no damaged row can be read."""

import os
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import connect
from qabel.store.database.damaged_file import copy_damaged, mark_unreadable, merge_log
from qabel.store.database.errors import NotADatabase
from qabel.store.database.pages import PAGE_SIZE
from tests.store.database.filled import KEY, damage_page, fill, pages_of, rows_of


def silent(_: str) -> None:
    """Show no progress."""


def test_the_log_is_copied_and_merged(path: Path, tmp_path: Path) -> None:
    """What is in the log of a killed daemon is in the copy; the original stays as it is."""
    fill(path)
    connection = connect(path, KEY)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("INSERT INTO documents VALUES ('new', x'00')")
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    copy = tmp_path / "copy"
    copy_damaged(path, copy)
    assert merge_log(copy, KEY) == 0
    assert rows_of(copy, "SELECT name FROM documents WHERE name = 'new'") == [("new",)]
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before
    connection.close()


def test_damaged_transactions_of_the_log_are_counted(path: Path, tmp_path: Path) -> None:
    """What a damaged log had after the damage is lost, and is counted."""
    fill(path)
    connection = connect(path, KEY)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    for name in "abc":
        connection.execute("INSERT INTO documents VALUES (?, x'00')", (name,))
    copy = tmp_path / "copy"
    copy_damaged(path, copy)
    connection.close()
    log = tmp_path / "copy-wal"
    data = bytearray(log.read_bytes())
    data[-1000] ^= 1
    log.write_bytes(data)
    assert merge_log(copy, KEY) == 1
    assert rows_of(copy, "SELECT name FROM documents WHERE length(name) = 1") == [("a",), ("b",)]


def test_a_row_on_a_damaged_page_is_never_read_as_zeros(path: Path) -> None:
    """SQLCipher reads damaged overflow pages as zeros; after marking, their rows are errors."""
    fill(path)
    [number] = [n for n, page in pages_of(path).items() if n > 1 and page[0] == 0][20:21]
    damage_page(path, number)
    assert mark_unreadable(path, KEY, silent) == {number}
    damaged = 0
    for (each,) in rows_of(path, "SELECT id FROM messages INDEXED BY messages_by_model"):
        try:
            [(data,)] = rows_of(path, f"SELECT data FROM messages WHERE id = {each}")
        except sqlcipher.DatabaseError:
            damaged += 1
        else:
            assert "\0" not in data
    assert damaged == 1


def test_missing_pages_are_damaged(path: Path) -> None:
    """Of a truncated file, the pages that are not there count; so do pages of zeros."""
    fill(path)
    pages = path.stat().st_size // PAGE_SIZE
    os.truncate(path, (pages - 3) * PAGE_SIZE + 100)
    with path.open("r+b") as file:
        file.seek(9 * PAGE_SIZE)
        file.write(bytes(PAGE_SIZE))
    assert mark_unreadable(path, KEY, silent) == {10, pages - 2, pages - 1, pages}


def test_without_the_first_page_nothing_is_read(path: Path) -> None:
    """Whether the key is wrong or the first page is damaged, the error says what to do."""
    fill(path)
    with pytest.raises(NotADatabase, match="qabel restore"):
        mark_unreadable(path, bytes(32), silent)
    damage_page(path, 1)
    with pytest.raises(NotADatabase, match="qabel restore"):
        mark_unreadable(path, KEY, silent)
