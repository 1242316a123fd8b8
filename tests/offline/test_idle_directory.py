"""Directories that are only read."""

from pathlib import Path

import pytest

from qabel.host.data_directory import DirectoryLock
from qabel.host.start_errors import StartError
from qabel.offline.idle_directory import idle_directory
from tests.offline.conftest import contents


def test_a_directory_in_use(directory: Path) -> None:
    """While a daemon uses it, it is not read; while it is read, no daemon starts."""
    with (
        DirectoryLock(directory),
        pytest.raises(StartError, match="stop the daemon"),
        idle_directory(directory),
    ):
        pass
    with (
        idle_directory(directory),
        pytest.raises(StartError, match="in use"),
        DirectoryLock(directory),
    ):
        pass


def test_nothing_is_changed(directory: Path) -> None:
    """The lock file stays as it is, and none is made."""
    for _ in range(2):
        before = contents(directory)
        with idle_directory(directory):
            pass
        assert contents(directory) == before
        (directory / "lock").unlink(missing_ok=True)
