"""Whether a file can be written and is still there, without writing to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.store.database import file_state
from qabel.store.database.errors import FileReplaced, ReadOnly, StoreFull
from qabel.store.database.file_state import FileState, has_no_space, is_read_only
from tests.mounts import mount_read_only, unmount


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a log beside it."""
    path = tmp_path / "x.db"
    path.write_bytes(b"database")
    path.with_name("x.db-wal").write_bytes(b"log")
    return path


@pytest.fixture
def state(file: Path) -> FileState:
    """Return the state of the opened file."""
    made = FileState(file)
    made.note_opened()
    return made


@pytest.fixture
def read_only(file: Path) -> Iterator[Path]:
    """Return the file on a file system that was made read-only."""
    if not mount_read_only(file.parent):
        pytest.skip("no file system can be mounted here")
    yield file
    unmount(file.parent)


def test_what_can_be_written(state: FileState, file: Path) -> None:
    """Looking at a file that can be written finds nothing, and changes nothing."""
    before = [(each, each.stat()) for each in file.parent.iterdir()]
    state.check_writable()
    assert not is_read_only(file)
    assert [(each, each.stat()) for each in file.parent.iterdir()] == before


def test_a_read_only_file_system(read_only: Path, state: FileState) -> None:
    """A file system that became read-only shows, though nothing was written."""
    assert is_read_only(read_only)
    with pytest.raises(ReadOnly, match="is read-only"):
        state.check_writable()


def test_a_missing_directory_is_not_read_only(tmp_path: Path) -> None:
    """What is not there at all is trouble of another kind."""
    assert not is_read_only(tmp_path / "missing" / "x.db")


def test_a_deleted_file(state: FileState, file: Path) -> None:
    """A file that is gone is noticed, and also that it is back."""
    assert not state.is_replaced
    away = file.rename(file.with_name("away"))
    with pytest.raises(FileReplaced, match="was deleted, or another file has its name"):
        state.check_writable()
    away.rename(file)
    state.check_writable()


def test_another_file_under_the_name(state: FileState, file: Path) -> None:
    """A copy that takes the place of the file is another file."""
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    assert state.is_replaced


def test_a_log_that_is_gone(state: FileState, file: Path) -> None:
    """A log that was deleted or replaced is noticed, once there was one."""
    log = file.with_name("x.db-wal")
    log.unlink()
    assert not state.has_lost_log
    log.touch()
    assert not state.has_lost_log
    log.unlink()
    assert state.has_lost_log


def test_a_full_file_system(state: FileState, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that says that it has little left counts as full."""
    assert not has_no_space(file)
    monkeypatch.setattr(file_state, "LEAST_SPACE", 1 << 62)
    with pytest.raises(StoreFull):
        state.check_writable()
    assert not has_no_space(file.parent / "missing" / "x.db")
