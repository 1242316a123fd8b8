"""Write a database anew, without free pages, and so that it gives them back from now on."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.host.private_files import create_private
from qabel.store.database.connection import connect, remove_with_logs
from qabel.store.database.creating import publish, unfinished_path
from qabel.store.database.disk_space import diagnose
from qabel.store.database.wholeness import check_whole


def compact(path: Path, key: bytes) -> None:
    """Replace a closed database with a copy of it that is as small as it can be. Blocks.

    The copy is checked, and gets the name when it is complete: until then, and if anything fails,
    the file stays as it was.

    Raises:
        Corrupt: the database is damaged.
        StoreError: another failure, such as a full disk.

    """
    unfinished = unfinished_path(path)
    remove_with_logs(unfinished)
    try:
        try:
            merge_log(path, key)
            check_whole(path, key)
            create_private(unfinished)
            _write_anew(path, unfinished, key)
        except (sqlcipher.Error, OSError) as error:
            raise diagnose(error, path) from error
        check_whole(unfinished, key)
        publish(unfinished, path)
    finally:
        remove_with_logs(unfinished)


def merge_log(path: Path, key: bytes) -> None:
    """Merge the log of a closed database into its file. Raises an error of SQLite."""
    connection = connect(path, key)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _write_anew(path: Path, target: Path, key: bytes) -> None:
    source = connect(path, key)
    try:
        # In force in the copy.
        source.execute("PRAGMA auto_vacuum = INCREMENTAL")
        source.execute("VACUUM INTO ?", (str(target),))
    finally:
        source.close()
    copy = connect(target, key)
    try:
        copy.execute("PRAGMA journal_mode = WAL")
    finally:
        copy.close()
