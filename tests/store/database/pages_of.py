"""Damaged pages of real databases: which pages there are, and how they are overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path

from qabel.store.database.connection import PAGE_SIZE, Connection, connect


def page_count(path: Path) -> int:
    """Return how many pages a closed database has."""
    return path.stat().st_size // PAGE_SIZE


def overwrite(path: Path, page: int, *, offset: int = 2000, content: bytes | None = None) -> None:
    """Overwrite 16 bytes in a page of a file, or put another content there."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_SIZE + offset)
        file.write(os.urandom(16) if content is None else content)


def is_readable(path: Path, key: bytes, sql: str) -> bool:
    """Return whether a query on a closed database meets no damaged page."""
    connection = connect(path, key)
    try:
        connection.execute(sql).fetchall()
    except Exception:  # noqa: BLE001 - whatever the driver calls it
        return False
    finally:
        connection.close()
    return True


def pages_of(path: Path, key: bytes, sql: str) -> Iterator[int]:
    """Yield the pages that a query on a closed database reads, but for those with the tables."""
    tables = "SELECT * FROM sqlite_schema"
    whole = path.read_bytes()
    for page in range(2, page_count(path) + 1):
        overwrite(path, page)
        if is_readable(path, key, tables) and not is_readable(path, key, sql):
            yield page
        path.write_bytes(whole)


def contents(connection: Connection) -> dict[str, list[object]]:
    """Return all rows of all tables, but for the database's own id."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'state' ORDER BY name"
    ).fetchall()
    return {name: list(connection.execute(f'SELECT * FROM "{name}"')) for (name,) in names}
