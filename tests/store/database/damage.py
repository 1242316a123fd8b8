"""Checks a whole database for damage."""

from qabel.store.database.connection import Connection


def damage(connection: Connection) -> list[str]:
    """Return what SQLCipher and SQLite find wrong with a database; for ``Database.run``."""
    found = [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")]
    found += [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    return [line for line in found if line != "ok"]
