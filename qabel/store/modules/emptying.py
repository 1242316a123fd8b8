"""Emptying the derived tables of a module: some rows in each transaction."""

from collections.abc import Iterator, Sequence

from qabel.store.database.connection import Connection
from qabel.store.database.full_text import full_text_tables
from qabel.store.database.separators import note_deletions
from qabel.store.modules.tables import ModuleStoreError, is_own

ROWS_AT_ONCE = 2_000
"""Rows of derived tables that are deleted in one transaction."""

_ASIDE = "_emptied"
"""Behind the name of a full-text table that has been replaced."""

_PARTS = ("data", "content", "idx", "docsize")
"""The tables of which FTS5 makes one."""

_PAGES_AT_ONCE = 500
"""Rows of these that are deleted in one transaction: of the index they are pages."""


def empty_some(connection: Connection, name: str, derived: Sequence[str]) -> bool:
    """Delete some rows of the derived tables of a module; return whether there may be more.

    A full-text table is replaced by an empty one at once: to take each row out of its index would
    take a thousand times as long.

    Args:
        connection: with a transaction open.
        name: the module.
        derived: the names of the tables.

    Raises:
        ModuleStoreError: one of them is not the module's own.

    """
    for table in derived:
        if not is_own(name, table):
            raise ModuleStoreError(f"{table} is no table of {name}.")
    full_text = full_text_tables(connection)
    for table in derived:
        if table in full_text and _has_more(connection, table, full_text):
            return True
    left = ROWS_AT_ONCE
    for table in derived:
        if table not in full_text:
            left -= connection.execute(
                f'DELETE FROM "{table}" WHERE rowid IN (SELECT rowid FROM "{table}" LIMIT ?)',
                (left,),
            ).rowcount
        if left <= 0:
            return True
    return False


def _has_more(connection: Connection, table: str, full_text: Sequence[str]) -> bool:
    aside = table + _ASIDE
    if aside not in full_text:
        rows = connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchall()
        if rows:
            _replace(connection, table, aside)
        return bool(rows)
    if not any(_deleted(connection, aside)):
        connection.execute(f'DROP TABLE "{aside}"')
    return True


def _replace(connection: Connection, table: str, aside: str) -> None:
    """Put a new full-text table, which is empty, in the place of one."""
    [(sql,)] = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name = ?", (table,)
    ).fetchall()
    settings = connection.execute(
        f"SELECT k, v FROM \"{table}_config\" WHERE k <> 'version'"
    ).fetchall()
    # Triggers are to go on with the new one.
    connection.execute("PRAGMA legacy_alter_table = ON")
    try:
        connection.execute(f'ALTER TABLE "{table}" RENAME TO "{aside}"')
    finally:
        connection.execute("PRAGMA legacy_alter_table = OFF")
    connection.execute(sql)
    connection.executemany(f'INSERT INTO "{table}" ("{table}", rank) VALUES (?, ?)', settings)
    note_deletions(connection, table)


def _deleted(connection: Connection, aside: str) -> Iterator[int]:
    for part in _PARTS:
        shadow = f"{aside}_{part}"
        there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (shadow,))
        if not there.fetchall():
            continue
        key = "segid, term" if part == "idx" else "id"
        yield connection.execute(
            f'DELETE FROM "{shadow}" WHERE ({key}) IN (SELECT {key} FROM "{shadow}" LIMIT ?)',
            (_PAGES_AT_ONCE,),
        ).rowcount
