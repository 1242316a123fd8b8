"""Salvaging: all that is whole is in the new database, and all else is named."""

import os
from pathlib import Path

import pytest

from qabel.store.database.connection import connect
from qabel.store.database.damaged_file import copy_damaged
from qabel.store.database.errors import NotADatabase
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.database.salvage import Salvaged, salvage
from qabel.store.database.schema import migrations
from qabel.store.database.wholeness import check_whole
from qabel.store.mending import mend
from tests.store.database.filled import KEY, MESSAGES, damage_page, fill, pages_of, rows_of

ALL_IDS = {2 * number - 1 for number in range(1, MESSAGES + 1)}


def run(path: Path, tmp_path: Path, name: str = "new") -> tuple[Salvaged, Path]:
    """Salvage a database, check the new one, and return both."""
    copy, target = tmp_path / f"{name}.copy", tmp_path / name
    copy_damaged(path, copy)
    result = salvage(copy, target, [bytes(32), KEY], migrations(), mend, lambda _: None)
    check_whole(target, KEY)
    return result, target


def ids_of(result: Salvaged, table: str) -> set[int]:
    """Return the ids that the list of losses names."""
    found: set[int] = set()
    for loss in result.losses:
        if loss.table == table:
            numbers = [int(word) for word in loss.rows.split() if word.isdecimal()]
            found |= set(range(numbers[0], numbers[-1] + 1))
    return found


@pytest.mark.parametrize("version", [1, None])
def test_a_whole_database(path: Path, tmp_path: Path, version: int | None) -> None:
    """Of a database that is not damaged, of either version, nothing is lost or changed."""
    fill(path, version)
    result, target = run(path, tmp_path)
    assert result.losses == ()
    for table in ("messages", "events", "own_hashes", "documents", "sqlite_sequence"):
        sql = f"SELECT count(*) FROM {table}"
        assert rows_of(target, sql) == rows_of(path, sql)
    assert rows_of(target, "SELECT database_id, last_seq, messages FROM state") == [
        (*rows_of(path, "SELECT database_id, last_seq FROM state")[0], MESSAGES)
    ]


def test_every_page(path: Path, tmp_path: Path) -> None:
    """Whichever of many pages is damaged, what is lost is named, and everything else is there."""
    fill(path)
    data = path.read_bytes()
    refused = 0
    for number in range(1, len(data) // PAGE_SIZE + 1, 29):
        path.write_bytes(data)
        damage_page(path, number)
        try:
            result, target = run(path, tmp_path, str(number))
        except NotADatabase:
            refused += 1
            continue
        whole = {row[0] for row in rows_of(target, "SELECT id FROM messages")}
        assert whole | ids_of(result, "messages") >= ALL_IDS
        assert not whole & ids_of(result, "messages")
        sql = "SELECT count(*) FROM messages WHERE instr(CAST(data AS BLOB), x'00') > 0"
        assert rows_of(target, sql) == [(0,)]
        events = {row[0] for row in rows_of(target, "SELECT seq FROM events")}
        assert len(events) == MESSAGES or any(each.table == "events" for each in result.losses)
        hashes = rows_of(target, "SELECT count(*) FROM own_hashes")[0][0]
        assert hashes == MESSAGES or any(each.table == "own_hashes" for each in result.losses)
        names = {row[0] for row in rows_of(target, "SELECT name FROM documents")}
        assert len(names) == 2 or any(each.table == "documents" for each in result.losses)
    assert refused == 1


def test_lost_identities_are_said(path: Path, tmp_path: Path) -> None:
    """When the synced settings cannot be read, the list says what that means."""
    fill(path)
    for number in [n for n, page in pages_of(path).items() if b'"x":"yyy' in page]:
        damage_page(path, number)
    result, _ = run(path, tmp_path)
    [text] = [each.rows for each in result.losses if each.rows.startswith("synced")]
    assert "private keys" in text


def test_modules_begin_anew(path: Path, tmp_path: Path) -> None:
    """Their tables are not copied: what only they had is named as lost."""
    fill(path)
    source = connect(path, KEY)
    source.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY) STRICT")
    source.execute("INSERT INTO modules (name, version, seq, live) VALUES ('notes', 1, 5, 0)")
    source.execute("INSERT INTO set_aside VALUES ('notes', 3, 0, 'raised', 1)")
    source.close()
    result, target = run(path, tmp_path)
    assert [(each.table, each.rows.split(";")[0]) for each in result.losses] == [
        ("notes", "what the module kept of its own")
    ]
    for table in ("modules", "set_aside"):
        assert rows_of(target, f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows_of(target, "SELECT count(*) FROM sqlite_schema WHERE name = 'notes'") == [(0,)]


def test_a_truncated_file(path: Path, tmp_path: Path) -> None:
    """Of a file that ends early, what is there is salvaged."""
    fill(path)
    os.truncate(path, path.stat().st_size * 2 // 3 + 77)
    result, target = run(path, tmp_path)
    [(count,)] = rows_of(target, "SELECT count(*) FROM messages")
    assert 0 < result.copied["messages"] == count < MESSAGES
    assert any(each.table == "messages" for each in result.losses)


def test_a_wrong_key(path: Path, tmp_path: Path) -> None:
    """With a key that does not fit there is one clear error."""
    fill(path)
    copy_damaged(path, tmp_path / "copy")
    with pytest.raises(NotADatabase, match="key does not fit"):
        salvage(
            tmp_path / "copy", tmp_path / "new", [bytes(32)], migrations(), mend, lambda _: None
        )
