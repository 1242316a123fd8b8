"""Copies of the whole database: backups, written while it is in use, and copies for a new key."""

from collections.abc import Callable
from pathlib import Path

from qabel.host.private_files import create_private
from qabel.store.database.connection import Connection, connect, remove_with_logs
from qabel.store.database.creating import publish
from qabel.store.database.errors import AlreadyThere, StoreClosed

PAGES_PER_STEP = 1024
"""Pages copied between two checks whether to stop."""

_UNFINISHED = ".partial"


def back_up(path: Path, key: bytes, target: Path, is_stopped: Callable[[], bool]) -> None:
    """Copy a database as it is now, under the same key.

    Cursors that were given up to now are valid in the copy: see ``qabel.store.starts``.

    Args:
        path: the database.
        key: its key, 32 bytes.
        target: the file to create; it gets its name when it is complete.
        is_stopped: asked repeatedly whether to give up.

    Raises:
        AlreadyThere, StoreClosed if ``is_stopped``, OSError, or an error of SQLite.

    """
    unfinished = target.with_name(target.name + _UNFINISHED)
    try:
        create_private(target)
    except FileExistsError:
        raise AlreadyThere(f"{target} already exists; choose another name.") from None
    try:
        copy_to(unfinished, path, (key, key), is_stopped)
        publish(unfinished, target)
    except BaseException:
        remove_with_logs(unfinished)
        target.unlink(missing_ok=True)
        raise


def remove_interrupted(folder: Path) -> None:
    """Remove the backups in a directory whose writing a kill interrupted. Raises OSError."""
    for unfinished in folder.glob(f"*{_UNFINISHED}"):
        target = unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED))
        # Until it is complete, an empty file has its name.
        if target.exists() and target.stat().st_size == 0:
            remove_with_logs(unfinished)
            target.unlink()


def copy_to(
    target: Path,
    path: Path,
    keys: tuple[bytes, bytes],
    is_stopped: Callable[[], bool],
) -> None:
    """Copy a database to a file, which is replaced if it exists.

    Blocks until it is done, on a connection of its own that reads one state of the database
    whatever is written meanwhile.

    Args:
        target: the file to create.
        path: the database.
        keys: its key, and the key of the copy.
        is_stopped: asked repeatedly whether to give up.

    Raises:
        StoreClosed if ``is_stopped``, OSError, or an error of SQLite.

    """
    remove_with_logs(target)
    create_private(target)
    source, copy = connect(path, keys[0]), connect(target, keys[1])
    try:
        _copy(source, copy, is_stopped)
    finally:
        copy.close()
        source.close()


def _copy(source: Connection, copy: Connection, is_stopped: Callable[[], bool]) -> None:
    def progress(_status: int, _remaining: int, _total: int) -> None:
        if is_stopped():
            raise StoreClosed("The database was closed before the copy was complete.")

    # Without an open transaction, each write to the source would restart the copying.
    source.execute("BEGIN")
    source.execute("SELECT * FROM state").fetchall()
    source.backup(copy, pages=PAGES_PER_STEP, progress=progress)
    source.execute("COMMIT")
