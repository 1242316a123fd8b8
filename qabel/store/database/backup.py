"""Copies of the whole database: backups, written while it is in use, and copies for a new key."""

from collections.abc import Callable
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.host.private_files import create_directory, create_private, publish_durably
from qabel.store.database.checking import (
    check_copy,
    check_pages,
    count_rows,
    describe_damage,
    make_interruptible,
    stop_if,
)
from qabel.store.database.connection import Connection, connect, has_log, remove_with_logs
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import AlreadyThere, Corrupt, StoreError

PAGES_PER_STEP = 1024
"""Pages copied between two checks whether to stop."""

_OLD_UNFINISHED = ".partial"
"""Ends the names of unfinished backups of the first version, beside empty files."""


def back_up(path: Path, key: bytes, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Copy a database as it is now, under the same key.

    Cursors that were given up to now are valid in the copy: see ``qabel.store.starts``.

    Args:
        path: the database.
        key: its key, 32 bytes.
        target: the file to create; it gets its name when it is complete and checked, never before.
            Its directory is created if necessary.
        is_stopped: asked repeatedly whether to give up.

    Raises:
        AlreadyThere, Corrupt if the database is damaged, StoreClosed if ``is_stopped``, OSError, or
        an error of SQLite.

    """
    create_directory(target.parent)
    if target.exists() or has_log(target):
        raise _already_there(target)
    unfinished = _unfinished_path(target)
    try:
        copy_to(unfinished, path, (key, key), is_stopped)
        publish_durably(unfinished, target)
    except FileExistsError:
        raise _already_there(target) from None
    finally:
        remove_with_logs(unfinished)


def _already_there(target: Path) -> AlreadyThere:
    return AlreadyThere(f"{target} already exists; choose another name.")


def _unfinished_path(target: Path) -> Path:
    # With a dot at the start, which no name of a backup has.
    return target.with_name(f".{target.name}.partial")


def remove_interrupted(folder: Path) -> None:
    """Remove the backups in a directory whose writing a kill interrupted. Raises OSError."""
    for unfinished in folder.glob(".*.partial"):
        remove_with_logs(unfinished)
    for unfinished in folder.glob(f"*{_OLD_UNFINISHED}"):
        target = unfinished.with_name(unfinished.name.removesuffix(_OLD_UNFINISHED))
        if _is_empty(target):
            remove_with_logs(unfinished)
    # The first version gave a backup its name before there was anything in it.
    for target in folder.glob("[!.]*"):
        if _is_empty(target):
            target.unlink()


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def copy_to(
    target: Path,
    path: Path,
    keys: tuple[bytes, bytes],
    is_stopped: Callable[[], bool],
) -> None:
    """Copy a database to a file, which is replaced if it exists, and check the copy.

    Blocks until it is done, on a connection of its own that reads one state of the database
    whatever is written meanwhile.

    Args:
        target: the file to create.
        path: the database.
        keys: its key, and the key of the copy.
        is_stopped: asked repeatedly whether to give up.

    Raises:
        Corrupt: the database is damaged; the text says what is whole.
        StoreClosed if ``is_stopped``, OSError, or an error of SQLite.

    """
    remove_with_logs(target)
    create_private(target)
    try:
        source, copy = connect(path, keys[0]), connect(target, keys[1])
        try:
            _copy(source, copy, is_stopped)
        finally:
            copy.close()
            source.close()
        check_pages(target, keys[1], is_stopped)
    except (sqlcipher.Error, StoreError) as error:
        found = error if isinstance(error, StoreError) else diagnose(error, path)
        if isinstance(found, Corrupt):
            raise Corrupt(describe_damage(path, keys[0], is_stopped)) from error
        raise


def _copy(source: Connection, copy: Connection, is_stopped: Callable[[], bool]) -> None:
    def progress(_status: int, _remaining: int, _total: int) -> None:
        stop_if(is_stopped)

    make_interruptible(source, is_stopped)
    make_interruptible(copy, is_stopped)
    # Without an open transaction, each write to the source would restart the copying.
    source.execute("BEGIN")
    source.execute("SELECT * FROM state").fetchall()
    source.backup(copy, pages=PAGES_PER_STEP, progress=progress)
    rows = count_rows(source)
    source.execute("COMMIT")
    check_copy(copy, rows)
