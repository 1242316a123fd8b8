"""Looking through a whole database for damage, as SQLCipher and SQLite tell of it."""

from qabel.store.database.connection import Connection


def damage(connection: Connection) -> list[str]:
    """Return what is wrong with a database, best nothing: for ``Database.run``."""
    found = [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")]
    found += [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    return [line for line in found if line != "ok"]
