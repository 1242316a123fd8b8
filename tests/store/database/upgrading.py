"""Upgrading from one version of the tables to the next, with rows in it."""

from collections.abc import Callable
from typing import Any

from qabel.store.database.connection import Connection
from qabel.store.database.schema import migrations, upgrade

Query = Callable[[str], list[Any]]
"""Returns the rows of a query."""

Upgrade = Callable[..., Query]
"""Stores rows, each given as a statement and its values, upgrades, and returns a query."""


def upgrading(connection: Connection, version: int) -> Upgrade:
    """Return a function that upgrades to a version once it has stored rows."""

    def run(*statements: tuple[Any, ...]) -> Query:
        for sql, *values in statements:
            connection.execute(sql, values)
        upgrade(connection, migrations()[:version])
        return lambda sql: connection.execute(sql).fetchall()

    return run
