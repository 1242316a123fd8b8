"""Compact the database of a data directory that no daemon uses."""

from pathlib import Path

from attrs import frozen

from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.start_errors import StartError
from qabel.keys.choice import key_source
from qabel.store.database.compacting import compact
from qabel.store.database.creating import find_key
from qabel.store.database.log_file import log_path
from qabel.store.database.schema import migrations
from qabel.store.file_names import DATABASE


@frozen
class Compacted:
    """Bytes of a database, with its log, before and after it was compacted."""

    before: int
    after: int


def compact_directory(directory: Path, choice: str) -> Compacted:
    """Write the database of a data directory anew, as small as it can be. Blocks.

    Args:
        directory: the data directory.
        choice: where the key is stored, as for ``--key``.

    Raises:
        StartError: a daemon is running, or there is no database.
        StoreError: the key is wrong, the database is damaged, or the disk is full; the database
            was not changed.

    """
    path = directory / DATABASE
    if not path.is_file():
        raise StartError(f"no database found in {directory}")
    private_directory(directory)
    with DirectoryLock(directory):
        before = _size(path)
        key = find_key(path, key_source(choice, directory), len(migrations()))
        compact(path, key)
        return Compacted(before, _size(path))


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, log_path(path)) if each.exists())
