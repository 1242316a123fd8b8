"""Copies of damaged databases: none is ever called good, and the original goes on to work."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.backup import back_up, copy_to
from qabel.store.database.checking import check_copy, check_pages, count_rows, describe_damage
from qabel.store.database.connection import Connection, connect
from qabel.store.database.creating import unfinished_path
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreClosed, StoreError
from qabel.store.database.log_file import log_path
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.inbox.repository import InboxRepository
from qabel.store.key_record import GivenKey, KeyRecord
from tests.store.conftest import KEY, Things
from tests.store.database.damage import damage
from tests.store.database.pages_of import contents, overwrite, page_count, pages_of

DOCUMENT = "INSERT INTO documents VALUES (?, ?)"


@pytest.fixture
def filled(path: Path) -> Path:
    """Return a closed database with messages, long documents and unused pages."""
    things, database = Things(), Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    inbox = InboxRepository(database)
    new = [things.message(data=b'{"msg":"%s"}' % (b"x" * 600)) for _ in range(60)]
    result_of(inbox.keep(things.drop, new, now=1.0))

    def work(connection: Connection) -> None:
        for name in ("long", "gone"):
            connection.execute(DOCUMENT, (name, os.urandom(9000)))
        connection.execute("DELETE FROM documents WHERE name = 'gone'")

    result_of(database.run(work))
    result_of(database.close())
    return path


def contents_of(path: Path, key: bytes = KEY) -> dict[str, list[object]]:
    """Return all that is in a closed database, which must be whole."""
    connection = connect(path, key)
    try:
        assert damage(connection) == []
        return contents(connection)
    finally:
        connection.close()


def damages(path: Path) -> Iterator[str]:
    """Damage each page of a database in turn, in several ways; yield what was done."""
    whole = path.read_bytes()
    for page in range(1, page_count(path) + 1):
        for how, content in (("overwritten", None), ("emptied", bytes(PAGE_SIZE))):
            if content is not None and page == 1:
                continue
            overwrite(path, page, offset=0 if content else 2000, content=content)
            yield f"page {page} {how}"
            path.write_bytes(whole)


def test_no_backup_of_a_damaged_page_is_broken(filled: Path) -> None:
    """Whatever page is damaged, there is no backup, or one that has everything."""
    everything, target = contents_of(filled), filled.with_name("copy")
    outcomes = set()
    for what in damages(filled):
        before = filled.read_bytes()
        try:
            back_up(filled, KEY, target, lambda: False)
        except Corrupt:
            assert not target.exists(), what
            outcomes.add("refused")
        else:
            assert contents_of(target) == everything, what
            target.unlink()
            outcomes.add("copied")
        assert filled.read_bytes() == before, what
        assert [each.name for each in filled.parent.iterdir()] == [filled.name], what
    # Unused pages have nothing that could be lost.
    assert outcomes == {"refused", "copied"}


def test_a_damaged_database_keeps_its_key(filled: Path) -> None:
    """A change of key of a damaged database leaves file and key as they were, and it opens."""
    everything, whole = contents_of(filled), filled.read_bytes()
    new, refused = b"\x66" * 32, 0
    for what in damages(filled):
        keys = GivenKey(KEY)
        database = Database(filled, keys, worker=InlineWorker)
        try:
            result_of(database.open())
        except StoreError:
            filled.write_bytes(whole)
            continue
        try:
            result_of(database.rekey(new))
        except Corrupt:
            refused += 1
            assert keys.read() == KeyRecord(KEY), what
            assert result_of(database.run(lambda c: c.execute("SELECT 7").fetchone())) == (7,)
        else:
            assert keys.read().current == new
            result_of(database.close())
            assert contents_of(filled, new) == everything, what
        result_of(database.close())
        assert not unfinished_path(filled).exists()
    assert refused > 20


def test_the_error_says_what_is_whole(filled: Path) -> None:
    """Damage in one table names it, those that can be read, and the way to copy these."""
    page = next(pages_of(filled, KEY, "SELECT * FROM documents"))
    overwrite(filled, page)
    with pytest.raises(Corrupt) as raised:
        back_up(filled, KEY, filled.with_name("copy"), lambda: False)
    text = str(raised.value)
    assert "Damaged tables: documents." in text
    assert "messages" in text.partition("Whole tables:")[2]
    assert "qabel salvage --data-dir OLD --to NEW" in text


def test_damage_in_an_index_is_of_its_table(filled: Path) -> None:
    """An index that cannot be read counts as damage of the table that it belongs to."""
    sql = "SELECT id FROM messages INDEXED BY messages_by_identity WHERE identity_id = 1"
    overwrite(filled, next(pages_of(filled, KEY, sql)))
    assert "Damaged tables: messages." in describe_damage(filled, KEY, lambda: False)


def test_a_first_page_that_cannot_be_read(filled: Path) -> None:
    """Without the list of tables none can be read, and that is what is said."""
    overwrite(filled, 1)
    assert "none of its tables can be read" in describe_damage(filled, KEY, lambda: False)
    with pytest.raises(Corrupt, match="none of its tables"):
        back_up(filled, KEY, filled.with_name("copy"), lambda: False)


def test_damage_in_the_log(filled: Path) -> None:
    """A page that is damaged in the log of an open database is in no backup."""
    database = Database(filled, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    result_of(database.run(lambda c: c.execute(DOCUMENT, ("newest", b"x" * 12_000))))
    log, target = log_path(filled), filled.with_name("copy")
    frames = (log.stat().st_size - 32) // (PAGE_SIZE + 24)
    whole = log.read_bytes()
    for frame in range(frames):
        damaged = bytearray(whole)
        at = 32 + frame * (PAGE_SIZE + 24) + 2000
        damaged[at : at + 16] = os.urandom(16)
        log.write_bytes(damaged)
        try:
            back_up(filled, KEY, target, lambda: False)
        except Corrupt:
            assert not target.exists()
        else:
            assert ("newest", b"x" * 12_000) in contents_of(target)["documents"]
            target.unlink()
    log.write_bytes(whole)
    back_up(filled, KEY, target, lambda: False)
    result_of(database.close())


def test_a_truncated_file_is_not_copied(filled: Path) -> None:
    """A file that lost its last pages is damaged."""
    os.truncate(filled, filled.stat().st_size - 3 * PAGE_SIZE)
    with pytest.raises(Corrupt):
        back_up(filled, KEY, filled.with_name("copy"), lambda: False)


def test_a_copy_without_a_row_is_refused(filled: Path) -> None:
    """Each table of a copy has as many rows as in the original."""
    copy = filled.with_name("copy")
    copy_to(copy, filled, (KEY, KEY), lambda: False)
    connection = connect(copy, KEY)
    rows = count_rows(connection)
    check_copy(connection, rows)
    connection.execute("DELETE FROM messages WHERE id = 5")
    with pytest.raises(Corrupt, match="rows are missing"):
        check_copy(connection, rows)
    connection.close()


def test_a_page_in_use_is_not_empty(filled: Path) -> None:
    """The last page of a long value is checked too, of which SQLite expects nothing."""
    check_pages(filled, KEY, lambda: False)
    overwrite(filled, page_count(filled), offset=0, content=bytes(PAGE_SIZE))
    with pytest.raises(Corrupt):
        check_pages(filled, KEY, lambda: False)


def test_the_page_that_sqlite_never_writes(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hole that every file of more than a gibibyte has is no damage, in that place only."""
    hole = page_count(filled)
    overwrite(filled, hole, offset=0, content=bytes(PAGE_SIZE))
    # The place is fixed in SQLite: a real file with such a page has a gibibyte.
    monkeypatch.setattr("qabel.store.database.checking.LOCK_PAGE", hole - 1)
    with pytest.raises(Corrupt):
        check_pages(filled, KEY, lambda: False)
    monkeypatch.setattr("qabel.store.database.checking.LOCK_PAGE", hole)
    check_pages(filled, KEY, lambda: False)


def test_checks_can_be_stopped(filled: Path) -> None:
    """Each check ends when it is told to."""
    for check in (check_pages, describe_damage):
        with pytest.raises(StoreClosed):
            check(filled, KEY, lambda: True)


def test_the_end_of_a_long_value_is_never_made_up(filled: Path) -> None:
    """A value whose last page is damaged is an error, and not a value that ends in zeros."""
    sql = "SELECT body FROM documents WHERE name = 'long'"
    database = Database(filled, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    body = result_of(database.run(lambda c: c.execute(sql).fetchone()))
    result_of(database.close())
    whole, failed = filled.read_bytes(), 0
    for page in range(2, page_count(filled) + 1):
        overwrite(filled, page)
        database = Database(filled, GivenKey(KEY), worker=InlineWorker)
        try:
            result_of(database.open())
            assert result_of(database.run(lambda c: c.execute(sql).fetchone())) == body
        except Corrupt:
            failed += 1
        result_of(database.close())
        filled.write_bytes(whole)
    assert failed > 3
