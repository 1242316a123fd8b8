"""The tables of modules: each has its own, of which nothing holds back what is deleted."""

from collections.abc import Mapping, Sequence

from qabel.store.database.connection import Connection
from qabel.store.database.errors import StoreError
from qabel.store.database.full_text import full_text_tables
from qabel.store.database.schema import statements
from qabel.store.database.separators import note_deletions


class ModuleStoreError(StoreError):
    """The tables of a module cannot be used, or it would change others."""


def is_own(name: str, table: str) -> bool:
    """Return whether a table is one of a module's: it has its name, or begins with it."""
    return table == name or table.startswith(f"{name}_")


def migrate(connection: Connection, name: str, steps: Sequence[str]) -> frozenset[str]:
    """Make migrations of a module, within a transaction; return the tables that they changed.

    Args:
        connection: with a transaction open.
        name: the module.
        steps: SQL.

    Raises:
        ModuleStoreError: a table would change that is not the module's, or one of its tables refers
            to others without ON DELETE CASCADE.

    """
    before = _tables(connection)
    for step in steps:
        for statement in statements(step):
            connection.execute(statement)
    after = _tables(connection)
    changed = frozenset(each for each in {**before, **after} if before.get(each) != after.get(each))
    for table in sorted(changed):
        if not is_own(name, table):
            raise ModuleStoreError(
                f"A migration of {name} changes the table {table}. The tables of a module have "
                f"its name, or begin with {name}_."
            )
    for table in sorted(after):
        if is_own(name, table):
            _check_references(connection, name, table)
    for table in full_text_tables(connection):
        if table in changed:
            note_deletions(connection, table)
    return changed


def _tables(connection: Connection) -> Mapping[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    return dict(rows.fetchall())


def _check_references(connection: Connection, name: str, table: str) -> None:
    for row in connection.execute(f'PRAGMA foreign_key_list("{table}")').fetchall():
        parent, action = row[2], row[6]
        if action != "CASCADE":
            raise ModuleStoreError(
                f"The table {table} of {name} refers to {parent} without ON DELETE CASCADE: "
                "what is deleted there would have to stay."
            )
