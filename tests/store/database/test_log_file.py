"""The log as a file: its pages are listed, and SQLite applies one that was written here."""

import stat
from pathlib import Path

import pytest

from qabel.store.database.connection import configure, connect
from qabel.store.database.log_file import LogReader, log_path, write_log
from qabel.store.database.pages import PAGE_SIZE, SALT_SIZE, PageCipher

KEY = bytes(range(32))


def made(path: Path) -> PageCipher:
    """Create a closed database with a few pages, and return the cipher of its pages."""
    path.touch()
    connection = connect(path, KEY)
    connection.execute("PRAGMA journal_mode = WAL")
    configure(connection)
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.executemany("INSERT INTO words VALUES (?)", [("w" * 500,)] * 100)
    connection.close()
    return PageCipher(KEY, path.read_bytes()[:SALT_SIZE])


def altered(path: Path, cipher: PageCipher) -> dict[int, bytes]:
    """Return new pages for a database in which all words have other letters."""
    data = path.read_bytes()
    pages = {}
    for number in range(2, len(data) // PAGE_SIZE + 1):
        page = data[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        content = cipher.decrypt(page, number).replace(b"w" * 500, b"v" * 500)
        pages[number] = cipher.encrypt(content, number)
    return pages


def words(path: Path) -> set[str]:
    """Return the words in a database."""
    connection = connect(path, KEY)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {word for (word,) in connection.execute("SELECT word FROM words")}
    finally:
        connection.close()


def test_a_log_that_was_written_is_applied(path: Path) -> None:
    """SQLite finds the new pages in the log, and merges them into the file."""
    cipher = made(path)
    pages = altered(path, cipher)
    write_log(path, pages, path.stat().st_size // PAGE_SIZE)
    assert stat.S_IMODE(log_path(path).stat().st_mode) == 0o600
    reader = LogReader(path)
    assert reader.new_pages() == set(pages)
    reader.close()
    assert words(path) == {"v" * 500}
    assert not log_path(path).exists()


@pytest.mark.parametrize("missing", [1, 24, 4120, 4121, 3 * 4120])
def test_a_log_that_ends_early_is_ignored(path: Path, missing: int) -> None:
    """If the machine stops while the log is written, the database stays as it was."""
    cipher = made(path)
    write_log(path, altered(path, cipher), path.stat().st_size // PAGE_SIZE)
    log = log_path(path)
    log.write_bytes(log.read_bytes()[:-missing])
    assert words(path) == {"w" * 500}


def test_another_log_is_not_replaced(path: Path) -> None:
    """A log that is there already is never overwritten."""
    cipher = made(path)
    log_path(path).write_bytes(b"something")
    with pytest.raises(FileExistsError):
        write_log(path, altered(path, cipher), 2)
    assert log_path(path).read_bytes() == b"something"


def test_the_pages_in_a_log_are_known(path: Path) -> None:
    """Every page that a transaction changed is listed once; without a log there are none."""
    made(path)
    reader = LogReader(path)
    assert reader.new_pages() == set()
    connection = connect(path, KEY)
    configure(connection)
    before = path.stat().st_size // PAGE_SIZE
    connection.executemany("INSERT INTO words VALUES (?)", [("x" * 3000,)] * 5)
    assert reader.new_pages() >= set(range(before + 1, before + 5))
    assert (reader.new_pages(), reader.length > 4) == (set(), True)
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    connection.execute("INSERT INTO words VALUES ('y')")
    assert 1 <= len(reader.new_pages()) <= 2
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert reader.new_pages() == set()
    connection.close()
    reader.close()
