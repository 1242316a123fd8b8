"""Examine the database of a daemon that does not run, without changing anything."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import connect, has_log
from qabel.store.database.creating import find_key
from qabel.store.database.errors import Corrupt, translate
from qabel.store.database.schema import migrations
from qabel.store.key_record import KeySource


def examine(path: Path, keys: KeySource) -> None:
    """Check that a key opens a database, and that all its pages are whole; blocks.

    Neither the file nor the key source is changed. Reading it takes about a second for each 250 MB.

    Args:
        path: the database.
        keys: where its key is stored.

    Raises:
        Corrupt: it is damaged.
        StoreError: it cannot be opened; the text says why.

    """
    key = find_key(path, keys, len(migrations()))
    try:
        connection = connect(path, key, mode="ro", immutable=not has_log(path))
        try:
            for statement in ("PRAGMA cipher_integrity_check", "PRAGMA quick_check(1)"):
                found = [str(row[0]) for row in connection.execute(statement).fetchall()]
                if found not in ([], ["ok"]):
                    raise Corrupt(f"The database {path} is damaged.")
        finally:
            connection.close()
    except sqlcipher.Error as error:
        raise translate(error, path) from error
