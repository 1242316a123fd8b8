"""Check a copy of a database before it is used: each page, each table, each count of rows.

Copying does not find damage by itself: where a page cannot be decrypted, SQLite copies zeros.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import Connection, connect, fetch_one, is_sound
from qabel.store.database.errors import Corrupt, StoreClosed, StoreError, translate
from qabel.store.database.pages import LOCK_PAGE, PAGE_SIZE, SALT_SIZE, PageCipher

PAGES_PER_CHECK = 256
"""Pages examined between two checks whether to stop."""

STEPS_PER_CHECK = 100_000
"""Steps of SQLite between two checks whether to stop."""

_EMPTY = bytes(PAGE_SIZE)
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
_HOW_TO_GO_ON = (
    "Nothing was replaced or published. To copy what can be read, stop the daemon, and run: "
    "qabel salvage --data-dir OLD --to NEW"
)

IsStopped = Callable[[], bool]


def stop_if(is_stopped: IsStopped) -> None:
    """Raise StoreClosed if it is to stop."""
    if is_stopped():
        raise StoreClosed("The database was closed before the copy was complete.")


def make_interruptible(connection: Connection, is_stopped: IsStopped) -> None:
    """Interrupt the statements of a connection once ``is_stopped``."""
    connection.set_progress_handler(is_stopped, STEPS_PER_CHECK)


def count_rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has. Raises an error of SQLite where one is damaged."""
    return {
        name: fetch_one(connection, f'SELECT count(*) FROM "{name}" NOT INDEXED')[0]
        for (name,) in connection.execute(_TABLES).fetchall()
    }


def check_copy(copy: Connection, rows: dict[str, int]) -> None:
    """Check what SQLite can check in a copy.

    Args:
        copy: a connection to it.
        rows: how many rows each table is to have.

    Raises:
        Corrupt: the copy is not whole, because the original is damaged.

    """
    found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(1)").fetchall()]
    if found != ["ok"]:
        raise Corrupt(f"The copy is damaged: {' '.join(found)}")
    if count_rows(copy) != rows:
        raise Corrupt("The copy is damaged: rows are missing in it.")


def check_pages(path: Path, key: bytes, is_stopped: IsStopped) -> None:
    """Check each page of a closed copy.

    Args:
        path: the copy.
        key: its key.
        is_stopped: asked repeatedly whether to give up.

    Raises:
        Corrupt: a page is damaged, or empty though it is in use: it is damaged in the original.
        StoreClosed: if ``is_stopped``.
        OSError: the copy cannot be read.

    """
    with path.open("rb") as file:
        cipher = PageCipher(key, os.pread(file.fileno(), SALT_SIZE, 0))
        empty = set()
        for number, page in _pages(file.fileno(), is_stopped):
            if number == LOCK_PAGE:
                continue  # It is a hole, in every file of more than a gibibyte.
            if not cipher.is_genuine(page, number):
                raise Corrupt(f"The copy is damaged: page {number} of {path} cannot be read.")
            content = cipher.decrypt(page, number)
            if content == _EMPTY:
                empty.add(number)
        if empty - _unused(file.fileno(), cipher):
            raise Corrupt("The copy is damaged: pages that are in use are empty.")


def describe_damage(path: Path, key: bytes, is_stopped: IsStopped) -> str:
    """Return which tables of a damaged database are whole and which are not, and what to do.

    Raises StoreClosed if ``is_stopped``.
    """
    whole: list[str] = []
    damaged: list[str] = []
    try:
        names = _tables(path, key)
    except (sqlcipher.Error, StoreError):
        return f"The database {path} is damaged: none of its tables can be read. {_HOW_TO_GO_ON}"
    for name in names:
        stop_if(is_stopped)
        (whole if _is_whole(path, key, name, is_stopped) else damaged).append(name)
    which = f"Damaged tables: {', '.join(damaged)}." if damaged else "All tables can be read."
    rest = f" Whole tables: {', '.join(whole)}." if damaged and whole else ""
    return f"The database {path} is damaged. {which}{rest} {_HOW_TO_GO_ON}"


def _tables(path: Path, key: bytes) -> list[str]:
    connection = connect(path, key)
    try:
        return [row[0] for row in connection.execute(_TABLES).fetchall()]
    finally:
        connection.close()


def _is_whole(path: Path, key: bytes, table: str, is_stopped: IsStopped) -> bool:
    # A connection of its own for each: after damage, it reads nothing any more.
    connection = connect(path, key)
    try:
        make_interruptible(connection, is_stopped)
        found = connection.execute(f'PRAGMA integrity_check("{table}")').fetchall()
        for _ in connection.execute(f'SELECT * FROM "{table}" NOT INDEXED'):
            continue
        return [str(row[0]) for row in found] == ["ok"] and is_sound(connection)
    except sqlcipher.Error as error:
        if isinstance(trouble := translate(error, path), StoreClosed):
            raise trouble from error
        return False
    finally:
        connection.close()


def _pages(file: int, is_stopped: IsStopped) -> Iterator[tuple[int, bytes]]:
    """Yield the pages of a file, with their numbers."""
    for index in range(os.fstat(file).st_size // PAGE_SIZE):
        if index % PAGES_PER_CHECK == 0:
            stop_if(is_stopped)
        yield index + 1, os.pread(file, PAGE_SIZE, index * PAGE_SIZE)


def _unused(file: int, cipher: PageCipher) -> set[int]:
    """Return the numbers of the unused pages, which a chain of trunk pages lists."""

    def words(number: int, at: int, count: int) -> list[int]:
        page = os.pread(file, PAGE_SIZE, (number - 1) * PAGE_SIZE)
        content = cipher.decrypt(page, number)
        return [int.from_bytes(content[at + 4 * i : at + 4 * i + 4], "big") for i in range(count)]

    found: set[int] = set()
    [trunk] = words(1, _FIRST_TRUNK, 1)
    while trunk and trunk not in found:
        following, leaves = words(trunk, 0, 2)
        found.update([trunk], words(trunk, 8, min(leaves, _MOST_LEAVES)))
        trunk = following
    return found


_FIRST_TRUNK = 32
"""Where the file's header has the number of the first trunk page."""

_MOST_LEAVES = PAGE_SIZE // 4 - 2
