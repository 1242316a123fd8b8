"""Free disk space, checked against the limits that the system sets."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qabel.store.database.disk_space import ENOUGH, has_disk_space
from qabel.store.database.errors import StoreFull, translate


@contextmanager
def limit(size: int) -> Iterator[None]:
    """Let no file of this process grow past a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_there_is_room(tmp_path: Path) -> None:
    """Where a database can grow there is disk space, even before it exists; nothing is left."""
    assert has_disk_space(tmp_path / "x.db")
    (tmp_path / "x.db").write_bytes(bytes(10))
    assert has_disk_space(tmp_path / "x.db")
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_a_limit_leaves_no_room(tmp_path: Path) -> None:
    """What counts is the end of the larger one of database and log."""
    path = tmp_path / "x.db"
    for name in ("x.db", "x.db-wal"):
        with limit(2 * ENOUGH):
            assert has_disk_space(path)
            (tmp_path / name).write_bytes(bytes(ENOUGH + 1))
            assert not has_disk_space(path)
        (tmp_path / name).unlink()


def test_trouble_of_another_kind_is_not_about_room(tmp_path: Path) -> None:
    """A directory that is gone is not a full disk."""
    assert has_disk_space(tmp_path / "gone" / "x.db")


def test_all_that_the_system_calls_full_is_full(tmp_path: Path) -> None:
    """A full disk, a used-up quota and a file that may not grow are one thing to the user."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert isinstance(translate(OSError(number, "x"), tmp_path / "x.db"), StoreFull)
    assert not isinstance(translate(OSError(errno.EIO, "x"), tmp_path / "x.db"), StoreFull)
