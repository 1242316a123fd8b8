"""A daemon's data directory: found, private, and locked by one process."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qabel.host.data_directory import (
    DirectoryLock,
    choose_data_directory,
    close_to_others,
    private_directory,
)
from qabel.host.start_errors import StartError
from tests.dropserver.small_disk import small_disk


def mode(path: Path) -> int:
    """Return a path's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_data_directory_is_made_private(tmp_path: Path) -> None:
    """A new directory, and what it lies in, is made; only its owner can enter it."""
    assert mode(private_directory(tmp_path / "a" / "b")) == 0o700


def test_an_open_directory_is_closed(tmp_path: Path) -> None:
    """An empty directory, or one that was used before, is closed to others."""
    for name, files in {"empty": [], "used": ["lock", "file"]}.items():
        path = tmp_path / name
        path.mkdir()
        path.chmod(0o755)
        for file in files:
            (path / file).touch()
        private_directory(path)
        assert mode(path) == 0o700


def test_a_directory_for_other_things_is_left_alone(tmp_path: Path) -> None:
    """An open directory that holds something else is refused, not closed."""
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(StartError, match=r"chmod 700"):
        private_directory(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file in the way is a StartError."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be used"):
        private_directory(tmp_path / "file" / "data")
    with pytest.raises(StartError, match="cannot be used"):
        private_directory(tmp_path / "file")


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """A second lock on a directory fails, and names the process, until the first is released."""
    with DirectoryLock(tmp_path), pytest.raises(StartError, match="this process"):
        DirectoryLock(tmp_path).acquire()
    assert mode(tmp_path / "lock") == 0o600
    second = DirectoryLock(tmp_path).acquire()
    second.release()
    second.release()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A process that is gone, however, holds no lock."""
    code = (
        "import os, pathlib; from qabel.host.data_directory import DirectoryLock;"
        f"DirectoryLock(pathlib.Path({str(tmp_path)!r})).acquire(); os.kill(os.getpid(), 9)"
    )
    assert python(code).returncode == -9
    DirectoryLock(tmp_path).acquire().release()


def test_a_full_disk_does_not_prevent_the_lock(tmp_path: Path) -> None:
    """Where there is no space for the process's id, the lock is held nevertheless."""
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        with DirectoryLock(disk.path), pytest.raises(StartError, match="another process"):
            DirectoryLock(disk.path).acquire()
        disk.free()
        with DirectoryLock(disk.path), pytest.raises(StartError, match="this process"):
            DirectoryLock(disk.path).acquire()


def test_open_files_are_closed_to_others(tmp_path: Path) -> None:
    """What others may read is theirs no longer; what is missing is passed over."""
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    file.chmod(0o644)
    folder.mkdir()
    folder.chmod(0o755)
    close_to_others([file, folder, tmp_path / "missing"])
    assert (mode(file), mode(folder)) == (0o600, 0o700)


def test_choosing_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line comes first, then the environment, then the platform."""
    monkeypatch.setenv("SOME_DIR", str(tmp_path))
    assert choose_data_directory("/x", variable="SOME_DIR", name="some") == Path("/x")
    assert choose_data_directory(None, variable="SOME_DIR", name="some") == tmp_path
    monkeypatch.setenv("SOME_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    chosen = choose_data_directory("", variable="SOME_DIR", name="some")
    assert chosen.is_relative_to(tmp_path)
    assert chosen.name == "some"
    assert choose_data_directory("data", variable="SOME_DIR", name="some") == Path.cwd() / "data"
