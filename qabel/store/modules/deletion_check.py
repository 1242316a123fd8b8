"""Checks that what is deleted goes from the derived tables of a module, also while it is off."""

import re
from collections.abc import Iterator, Sequence

from qabel.store.database.connection import Connection
from qabel.store.database.full_text import full_text_tables

_SOURCES = frozenset({"messages", "sends"})
"""What messages are in: with a row of these, all that is about it has to go."""

_NUMBERS = frozenset({"INTEGER", "INT", "REAL"})
"""Types of columns that have no text."""

_ON_DELETE = re.compile(r"\b(?:BEFORE|AFTER)\s+DELETE\s+ON\b", re.I)


def kept_after_deletion(connection: Connection, derived: Sequence[str]) -> str | None:
    """Return why something of a deleted message would stay in derived tables; None if nothing does.

    A table is good if its rows refer to those of a good one with ON DELETE CASCADE, or if a trigger
    on the deletions from a good one deletes from it; ``messages`` and ``sends`` are. One that has
    numbers only need not be.
    """
    full_text = full_text_tables(connection)
    for table in derived:
        if table in full_text and not _is_secure(connection, table):
            return (
                f"The full-text table {table} would keep words of what was deleted. Add to its "
                f"step: INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1);"
            )
    good = _good(connection, derived)
    for table in derived:
        if table not in good and (table in full_text or _has_text(connection, table)):
            return (
                f"The derived table {table} would keep what was deleted: its rows must refer to "
                "messages or sends with ON DELETE CASCADE, or a trigger must delete them."
            )
    return None


def _good(connection: Connection, derived: Sequence[str]) -> frozenset[str]:
    pairs = {(table, parent) for table in derived for parent in _parents(connection, table)}
    good = _SOURCES
    while more := {table for table, parent in pairs if parent in good} - good:
        good |= more
    return good


def _parents(connection: Connection, table: str) -> Iterator[str]:
    """Yield the tables with whose rows those of a table go."""
    for row in connection.execute(f'PRAGMA foreign_key_list("{table}")').fetchall():
        yield row[2]
    deletes = re.compile(
        rf'\bDELETE\s+FROM\s+"?{re.escape(table)}\b|'
        rf"\bINSERT\s+INTO\s+\"?{re.escape(table)}\b[^;]*'delete'",
        re.I,
    )
    triggers = connection.execute("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'")
    for parent, sql in triggers.fetchall():
        if _ON_DELETE.search(sql) and deletes.search(sql):
            yield parent


def _is_secure(connection: Connection, table: str) -> bool:
    rows = connection.execute(f"SELECT v FROM \"{table}_config\" WHERE k = 'secure-delete'")
    return [row[0] for row in rows.fetchall()] == [1]


def _has_text(connection: Connection, table: str) -> bool:
    columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return any(str(row[2]).upper() not in _NUMBERS for row in columns)
