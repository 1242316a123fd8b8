"""Whether a closed database is whole: each page, and how they belong together."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import connect, has_log
from qabel.store.database.creating import find_key
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import Corrupt
from qabel.store.database.schema import migrations
from qabel.store.key_record import KeySource


def check_whole(path: Path, key: bytes) -> None:
    """Check all pages, tables and indexes of a database, which is not changed. Blocks.

    Raises Corrupt if anything is damaged, or another StoreError.
    """
    try:
        for statement in ("cipher_integrity_check", "integrity_check", "foreign_key_check"):
            connection = connect(path, key, mode="ro", immutable=not has_log(path))
            try:
                found = connection.execute(f"PRAGMA {statement}").fetchall()
            finally:
                connection.close()
            if found not in ([], [("ok",)]):
                raise Corrupt(f"The database {path} is damaged.")
    except sqlcipher.Error as error:
        raise diagnose(error, path) from error


def examine(path: Path, keys: KeySource) -> None:
    """Check that a key opens a database, and that it is whole. Blocks.

    Neither the file nor the key source is changed. Reading it takes about a second for each 250 MB.

    Args:
        path: the database.
        keys: where its key is stored.

    Raises:
        Corrupt: it is damaged.
        StoreError: it cannot be opened; the text says why.

    """
    check_whole(path, find_key(path, keys, len(migrations())))
