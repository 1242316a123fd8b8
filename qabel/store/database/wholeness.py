"""Whether a closed database is whole: each page, and how they belong together."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import connect, has_log
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import Corrupt


def check_whole(path: Path, key: bytes) -> None:
    """Check all pages, tables and indexes of a database. Blocks.

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
                raise Corrupt(f"{path} is damaged.")
    except sqlcipher.Error as error:
        raise diagnose(error, path) from error
