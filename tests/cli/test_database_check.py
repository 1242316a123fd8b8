"""``qabel doctor`` and the database of a stopped daemon: nothing is called good unseen."""

import os
from pathlib import Path

import pytest

from qabel.cli.checks import CheckState
from qabel.cli.database_check import check_database
from qabel.cli.errors import ExitStatus
from qabel.deferreds import result_of
from qabel.host.data_directory import DirectoryLock
from qabel.host.job_thread import InlineWorker
from qabel.keys.key_file import KeyFile
from qabel.store.database.database import Database
from tests.cli.conftest import call


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the data directory of a daemon that was stopped."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    database = Database(path / "qabel.db", KeyFile(path / "database-key"), worker=InlineWorker)
    result_of(database.open())
    result_of(database.close())
    (path / "api-token").touch(0o600)
    return path


def content(directory: Path) -> dict[str, bytes]:
    """Return the content of all files."""
    return {each.name: each.read_bytes() for each in directory.iterdir()}


def states(directory: Path, key: str | None = None) -> dict[str, CheckState]:
    """Return the outcome of each check, and see that nothing was changed."""
    before = content(directory)
    found = {each.name: each.state for each in check_database(directory, key)}
    assert content(directory) == before
    return found


def damage(directory: Path, page: int) -> None:
    """Overwrite some bytes of a page."""
    with (directory / "qabel.db").open("r+b") as file:
        file.seek(4096 * page + 100)
        file.write(os.urandom(16))


def test_a_good_database(directory: Path) -> None:
    """The key is tried, and all is read."""
    assert states(directory) == {"database": CheckState.OK}


def test_a_wrong_key(directory: Path) -> None:
    """A key that does not open the database fails, and doctor says so in the end."""
    (directory / "database-key").write_text("00" * 32 + "\n")
    assert states(directory) == {"key": CheckState.FAILED}
    result = call("--data-dir", str(directory), "doctor")
    assert result.exit_status == ExitStatus.UNREACHABLE
    assert "FAIL  key        The key does not open" in result.out


@pytest.mark.parametrize("text", ["", "rubbish", "0" * 63])
def test_a_key_that_is_none(directory: Path, text: str) -> None:
    """A file that has no key in it fails."""
    (directory / "database-key").write_text(text)
    assert states(directory) == {"key": CheckState.FAILED}


@pytest.mark.parametrize("page", [1, 5, 20])
def test_a_damaged_database(directory: Path, page: int) -> None:
    """A damaged page anywhere fails."""
    damage(directory, page)
    assert states(directory) == {"database": CheckState.FAILED}


@pytest.mark.parametrize("size", [0, 100, 4096, 4096 * 3])
def test_a_truncated_database(directory: Path, size: int) -> None:
    """A database that has lost its end, or everything, fails."""
    os.truncate(directory / "qabel.db", size)
    assert CheckState.FAILED in states(directory).values()


def test_a_key_elsewhere(directory: Path, tmp_path: Path) -> None:
    """It is not checked, and said so, unless the user says where the key is."""
    moved = tmp_path / "key"
    (directory / "database-key").rename(moved)
    assert states(directory) == {"database": CheckState.WARNING}
    assert states(directory, f"file:{moved}") == {"database": CheckState.OK}
    assert states(directory, "file:/nowhere") == {"key": CheckState.FAILED}
    result = call("--data-dir", str(directory), "doctor", "--key", f"file:{moved}")
    assert "ok    database" in result.out


def test_a_database_in_use(directory: Path) -> None:
    """What a process uses that does not answer is not checked, and not disturbed."""
    with DirectoryLock(directory):
        assert states(directory) == {"database": CheckState.WARNING}


def test_no_database(tmp_path: Path) -> None:
    """Before the first start there is nothing to check."""
    assert states(tmp_path) == {}
