"""The full-text tables of the database: those of modules."""

from collections.abc import Sequence

from qabel.store.database.connection import Connection

_TABLES = """
SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 AND sql LIKE '%USING fts5%'
ORDER BY name
"""


def full_text_tables(connection: Connection) -> Sequence[str]:
    """Return the names of the tables that FTS5 makes."""
    return [row[0] for row in connection.execute(_TABLES).fetchall()]
