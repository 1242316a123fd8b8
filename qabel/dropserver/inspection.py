"""Looking at the file of a drop server without changing it, also while the server runs."""

import shutil
import sqlite3
from pathlib import Path

from attrs import frozen

from qabel.dropserver.message_rows import count_charged
from qabel.dropserver.message_tables import check_version, open_to_read
from qabel.dropserver.stamps import SECOND
from qabel.host.start_errors import StartError

MOST_FAULTS = 3
"""Faults of a damaged file that are told."""


@frozen
class Inspected:
    """What is in a file."""

    messages: int
    drops: int
    charged: int
    """Bytes that the messages are charged."""
    oldest: float | None
    """When the oldest message arrived, in seconds since the epoch; None if there are none."""
    newest: float | None
    size: int
    """Bytes of the file."""
    free: int | None
    """Bytes that its disk has free, if that can be known."""


def inspect(path: Path) -> Inspected:
    """Read a whole file, and return what is in it.

    Raises StartError, with what is wrong: it is not there, is not the file of a drop server, or is
    damaged.
    """
    if not path.exists():
        raise StartError(f"there is no {path}: no drop server has run with this data directory")
    try:
        connection = open_to_read(path)
        try:
            return _inspect(path, connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be read: {error}") from None


def _inspect(path: Path, connection: sqlite3.Connection) -> Inspected:
    check_version(connection, path)
    faults = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})")]
    if faults != ["ok"]:
        raise StartError(f"{path} is damaged: {'; '.join(faults)}")
    messages, charged = count_charged(connection)
    drops, oldest, newest = connection.execute(
        "SELECT count(DISTINCT place), min(stamp), max(stamp)"
        " FROM message INDEXED BY message_of_place"
    ).fetchone()
    return Inspected(
        messages,
        drops,
        charged,
        moment_of(oldest),
        moment_of(newest),
        path.stat().st_size,
        shutil.disk_usage(path.parent).free,
    )


def moment_of(stamp: int | None) -> float | None:
    """Return a stamp in seconds since the epoch; None if there is none."""
    return None if stamp is None else stamp / SECOND
