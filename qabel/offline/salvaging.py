"""Copy all that can be read of a damaged data directory into a new one."""

from collections.abc import Callable
from pathlib import Path

from qabel.host.data_directory import LOCK_NAME, DirectoryLock, private_directory
from qabel.host.private_files import NotPrivate, TooLong, read_private, write_private
from qabel.host.start_errors import StartError
from qabel.keys.choice import key_source
from qabel.offline.carried_key import carry_key, file_of
from qabel.offline.idle_directory import idle_directory
from qabel.store.database.connection import remove_with_logs
from qabel.store.database.creating import publish, unfinished_path
from qabel.store.database.damaged_file import copy_damaged
from qabel.store.database.disk_space import diagnose
from qabel.store.database.salvage import Salvaged, salvage
from qabel.store.database.schema import migrations
from qabel.store.file_names import DATABASE, TOKEN
from qabel.store.mending import mend

_COPY = ".salvage.db"
"""The copy of the damaged database in the new directory, until it was read."""

_MOST_TOKEN = 1000


def salvage_directory(
    old: Path, new: Path, choice: str, progress: Callable[[str], object]
) -> Salvaged:
    """Copy what can be read of the database in a data directory into a new one. Blocks.

    The key and the main token are copied with it. Nothing in the old directory is changed. Until
    all of it is done, the new directory has no database under its final name.

    Args:
        old: the data directory; no daemon may use it.
        new: does not exist yet, or is empty.
        choice: where the key is stored, as for ``--key``.
        progress: called with what is being done.

    Raises:
        StartError: one of the directories cannot be used.
        StoreError: nothing can be read, or the disk is full.

    """
    path = old / DATABASE
    if not path.is_file():
        raise StartError(f"no database found in {old}")
    with idle_directory(old):
        source = key_source(choice, old)
        keys = source.read().candidates
        _check_empty(new, {file_of(choice)})
        private_directory(new)
        with DirectoryLock(new):
            copy, target = new / _COPY, unfinished_path(new / DATABASE)
            for each in (copy, target):
                remove_with_logs(each)
            try:
                progress("copying the damaged database")
                copy_damaged(path, copy)
                result = salvage(copy, target, keys, migrations(), mend, progress)
                carry_key(choice, source, old, new)
                _carry_token(old, new)
                publish(target, new / DATABASE)
            except OSError as error:
                raise diagnose(error, target) from error
            finally:
                for each in (copy, target):
                    remove_with_logs(each)
    return result


def _check_empty(new: Path, of_key: set[str | None]) -> None:
    """Check that a directory has nothing but what an interrupted salvage left."""
    unfinished = unfinished_path(new / DATABASE).name
    known = {LOCK_NAME, TOKEN, *of_key}
    names = [each.name for each in new.iterdir()] if new.is_dir() else []
    others = [
        name for name in names if name not in known and not name.startswith((_COPY, unfinished))
    ]
    if others or (new.exists() and not new.is_dir()):
        raise StartError(f"{new} is not empty; choose a directory that does not exist yet")


def _carry_token(old: Path, new: Path) -> None:
    try:
        write_private(new / TOKEN, read_private(old / TOKEN, limit=_MOST_TOKEN))
    except (OSError, NotPrivate, TooLong):
        # The daemon makes a new one.
        return
