"""Make a data directory out of a backup, or of another copy of a database."""

import shutil
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.private_files import create_private, remove_private
from qabel.host.start_errors import StartError
from qabel.offline.carried_key import KEY_SUFFIX, file_of, key_beside, source_with
from qabel.store.database.compacting import merge_log
from qabel.store.database.connection import check_size, has_log, remove_with_logs
from qabel.store.database.creating import find_key, publish, unfinished_path
from qabel.store.database.errors import Corrupt, KeyMissing, KeyTrouble, StoreError
from qabel.store.database.log_file import log_path
from qabel.store.database.schema import migrations
from qabel.store.database.wholeness import check_whole
from qabel.store.file_names import DATABASE, KEY, SEALED_KEY


@frozen
class Restored:
    """A data directory that was made out of a backup."""

    path: Path
    size: int
    """Bytes of its database."""
    key_place: str
    """Where its key is stored, in words."""


def restore(
    backup: Path, directory: Path, choice: str, progress: Callable[[str], object]
) -> Restored:
    """Make a data directory out of a backup. Blocks.

    The database gets its name once the key fits and the copy is whole, never before.

    Args:
        backup: the file; the key of its time may stand beside it, as ``NAME.key``.
        directory: the data directory, which may exist, but has no database.
        choice: where the key is stored, as for ``--key``.
        progress: called with what is being done.

    Raises:
        StartError: the directory cannot be used, or there is no backup.
        StoreError: the key does not fit, the backup is damaged, or the disk is full.

    """
    if not backup.is_file():
        raise StartError(f"there is no backup {backup}")
    check_size(backup, has_log(backup))
    path = directory / DATABASE
    if path.exists() or has_log(path):
        raise StartError(f"{directory} has a database already; choose another directory")
    private_directory(directory)
    with DirectoryLock(directory):
        if path.exists():
            raise StartError(f"{directory} has a database already; choose another directory")
        unfinished = unfinished_path(path)
        remove_with_logs(unfinished)
        try:
            progress("copying the backup")
            _copy(backup, unfinished)
            place = _check_or_undo(backup, unfinished, directory, choice, progress)
            publish(unfinished, path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error
        finally:
            remove_with_logs(unfinished)
    return Restored(path, path.stat().st_size, place)


def _copy(backup: Path, target: Path) -> None:
    for source, copy in ((backup, target), (log_path(backup), log_path(target))):
        if source.exists():
            create_private(copy)
            shutil.copyfile(source, copy)


def _check_or_undo(
    backup: Path,
    copy: Path,
    directory: Path,
    choice: str,
    progress: Callable[[str], object],
) -> str:
    """Do as ``_check``; if it fails, leave no key in the directory that was not there."""
    name = file_of(choice)
    existed = name is None or (directory / name).exists()
    try:
        return _check(backup, copy, directory, choice, progress)
    except BaseException:
        if name is not None and not existed:
            remove_private(directory / name)
        raise


def _check(
    backup: Path,
    copy: Path,
    directory: Path,
    choice: str,
    progress: Callable[[str], object],
) -> str:
    """Check that the key opens a copy, and that it is whole; return where the key is stored."""
    content = key_beside(backup)
    source = source_with(content, choice, directory)
    try:
        key = find_key(copy, source, len(migrations()))
    except KeyMissing as error:
        if any((directory / name).exists() for name in (KEY, SEALED_KEY)):
            raise KeyTrouble(str(error)) from None
        raise KeyTrouble(
            f"The key of {backup} is missing: there is no {backup.name}{KEY_SUFFIX} beside it. "
            f"Copy {KEY} or {SEALED_KEY} from the time of the backup there under that name, or "
            "pass --key file:PATH."
        ) from None
    progress("checking the copy")
    try:
        check_whole(copy, key)
    except Corrupt:
        raise Corrupt(
            f"{backup} is damaged and cannot be restored as a whole. Use another backup; or copy "
            "it into a directory as qabel.db, with the key, and run qabel salvage there."
        ) from None
    merge_log(copy, key)
    return source.place
