"""Compacting a data directory."""

from pathlib import Path

import pytest

from qabel.host.data_directory import DirectoryLock
from qabel.host.start_errors import StartError
from qabel.offline.compaction import compact_directory
from qabel.store.database.connection import connect
from qabel.store.file_names import DATABASE
from tests.store.database import filled


def test_sizes(directory: Path) -> None:
    """The sizes before and after are those of the file."""
    path = directory / DATABASE
    connection = connect(path, filled.KEY)
    connection.execute("DELETE FROM messages")
    connection.close()
    before = path.stat().st_size
    done = compact_directory(directory, "file")
    assert (done.before, done.after) == (before, path.stat().st_size)
    assert done.after < before


def test_directories_that_are_refused(directory: Path, tmp_path: Path) -> None:
    """While a daemon runs it is refused, and where there is no database."""
    with DirectoryLock(directory), pytest.raises(StartError, match="in use"):
        compact_directory(directory, "file")
    with pytest.raises(StartError, match="no database"):
        compact_directory(tmp_path, "file")
