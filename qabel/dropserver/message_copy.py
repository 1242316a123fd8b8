"""Copying a message file, which a server may use meanwhile: for a backup, and back again. Blocks.

A copy gets its name once it is whole, and replaces nothing.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qabel.dropserver.inspection import Inspected, inspect
from qabel.dropserver.message_tables import check_version, open_to_read
from qabel.host.file_locks import lock_now
from qabel.host.private_files import publish_durably
from qabel.host.start_errors import StartError

_PROGRESS = 100_000
"""Steps of SQLite between two moments at which an interrupt is noticed."""


def copy_messages(source: Path, target: Path) -> Inspected:
    """Copy a message file, as it is at one moment; return what is in the copy.

    Args:
        source: the file. A server may be using it.
        target: what the copy is called; readable only by its owner.

    Raises:
        StartError: there is no such file, or it is damaged; or the target exists, or cannot be
            written. Nothing is left of the copy.

    """
    if not source.is_file():
        raise StartError(f"there is no file {source}")
    if os.path.lexists(target):
        raise StartError(f"{target} exists already; choose another name")
    try:
        with _unfinished(target) as unfinished:
            _copy(source, unfinished)
            found = inspect(unfinished)
            publish_durably(unfinished, target)
    except FileExistsError:
        raise StartError(f"{target} exists already; choose another name") from None
    except OSError as error:
        raise StartError(f"cannot write {target}: {error.strerror or error}") from None
    return found


def _copy(source: Path, target: Path) -> None:
    try:
        with closing(open_to_read(source)) as connection:
            check_version(connection, source)
            connection.set_progress_handler(lambda: 0, _PROGRESS)
            # Pages without messages, and what was deleted on others, are not copied.
            connection.execute("VACUUM INTO ?", (str(target.absolute()),))
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None
        raise StartError(f"cannot copy {source} to {target}: {error}") from None


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """Yield the path of an empty file beside the target, which is removed at the end.

    One that a killed process left is used again. Raises OSError, or StartError if another process
    is writing it.
    """
    path = target.with_name(f".{target.name}.unfinished")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            lock_now(descriptor)
        except BlockingIOError:
            raise StartError(f"another process is writing {target}") from None
        os.ftruncate(descriptor, 0)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
    finally:
        os.close(descriptor)
