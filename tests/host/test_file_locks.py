"""Locks on open files."""

import os
from pathlib import Path

import pytest

from qabel.host.file_locks import lock_now


@pytest.mark.parametrize(("first", "second"), [(False, False), (False, True), (True, False)])
def test_a_lock_excludes_others(tmp_path: Path, first: bool, second: bool) -> None:
    """One that is not shared is held by nobody else, until its file is closed."""
    path = tmp_path / "lock"
    path.touch()
    one, two = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    lock_now(one, shared=first)
    with pytest.raises(BlockingIOError):
        lock_now(two, shared=second)
    os.close(one)
    lock_now(two, shared=second)
    os.close(two)


def test_shared_locks_go_together(tmp_path: Path) -> None:
    """Two may hold a shared lock at the same time."""
    path = tmp_path / "lock"
    path.touch()
    with path.open() as one, path.open() as two:
        lock_now(one.fileno(), shared=True)
        lock_now(two.fileno(), shared=True)
