"""Whether the database of a daemon that does not run can be opened, tried for ``qabel doctor``."""

import os
from enum import StrEnum
from pathlib import Path

from attrs import frozen

from qabel.host.data_directory import LOCK_NAME
from qabel.host.file_locks import lock_now
from qabel.host.start_errors import StartError
from qabel.keys.choice import key_source
from qabel.store.database.errors import KeyTrouble, StoreError, WrongKey
from qabel.store.database.wholeness import examine
from qabel.store.file_names import DATABASE, KEY, SEALED_KEY


class TrialResult(StrEnum):
    """What became of a trial."""

    OPENS = "opens"
    KEY = "key"
    """The key is wrong, or cannot be read."""
    DATABASE = "database"
    """The database is damaged, or cannot be read."""
    NOT_TRIED = "not_tried"


@frozen
class Trial:
    """What became of a trial, and why."""

    result: TrialResult
    why: str = ""


def try_key(directory: Path, choice: str | None = None) -> Trial:
    """Try to open the database in a data directory; nothing is changed, and nothing raised.

    Args:
        directory: the data directory.
        choice: where the key is, as with ``--key``; None for the file in the data directory, which
            is not tried if the key is elsewhere.

    """
    if not (directory / DATABASE).exists():
        return Trial(TrialResult.NOT_TRIED, "There is no database yet")
    if _is_locked(directory / LOCK_NAME):
        return Trial(TrialResult.NOT_TRIED, "A process is using the database")
    if choice is None:
        if not (directory / KEY).exists():
            sealed = (directory / SEALED_KEY).exists()
            where = "sealed under a passphrase" if sealed else "not in the data directory"
            return Trial(TrialResult.NOT_TRIED, f"The key is {where}")
        choice = "file"
    try:
        examine(directory / DATABASE, key_source(choice, directory))
    except (StartError, WrongKey, KeyTrouble) as error:
        return Trial(TrialResult.KEY, str(error))
    except (StoreError, OSError) as error:
        return Trial(TrialResult.DATABASE, str(error))
    return Trial(TrialResult.OPENS)


def _is_locked(path: Path) -> bool:
    """Return whether a process holds a lock, without taking it for longer than a moment."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        lock_now(descriptor, shared=True)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
