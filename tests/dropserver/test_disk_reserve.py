"""Disk space in reserve: taken where there is enough, kept, given up, taken again."""

import os
from pathlib import Path

from qabel.dropserver.disk_reserve import DiskReserve
from tests.dropserver.small_disk import small_disk


def free(path: Path) -> int:
    """Return the bytes that are free on a disk."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def test_it_holds_space_until_it_is_given_up(tmp_path: Path) -> None:
    """What is reserved is missing on the disk, also if it is left and taken again, until given."""
    with small_disk(tmp_path / "disk", 8) as disk:
        before = free(disk.path)
        reserve = DiskReserve(disk.path / "x.reserve")
        assert reserve.size == 1024 * 1024
        assert reserve.take()
        assert reserve.take()
        assert free(disk.path) == before - reserve.size
        assert (disk.path / "x.reserve").stat().st_mode & 0o777 == 0o600
        reserve.close()
        disk.fill()
        again = DiskReserve(disk.path / "x.reserve")
        assert again.take()
        assert free(disk.path) == 0
        again.give_up()
        assert free(disk.path) == again.size
        again.give_up()
        assert not again.take()


def test_it_leaves_space_to_others(tmp_path: Path) -> None:
    """It is not taken where almost nothing would remain, and leaves no file then."""
    with small_disk(tmp_path / "disk", 8) as disk:
        reserve = DiskReserve(disk.path / "x.reserve")
        (disk.path / "other").write_bytes(bytes(free(disk.path) - reserve.size - 8192))
        assert not reserve.take()
        assert [each.name for each in disk.path.iterdir()] == ["other"]
        (disk.path / "other").unlink()
        assert reserve.take()
        reserve.close()


def test_deleting_the_file_does_not_take_the_space(tmp_path: Path) -> None:
    """If somebody deletes the file, its space is held until there is a new one."""
    with small_disk(tmp_path / "disk", 8) as disk:
        reserve = DiskReserve(disk.path / "x.reserve")
        assert reserve.take()
        (disk.path / "x.reserve").unlink()
        disk.fill()
        assert reserve.take()
        disk.free()
        before = free(disk.path)
        assert reserve.take()
        assert (disk.path / "x.reserve").exists()
        assert free(disk.path) == before
        (disk.path / "x.reserve").unlink()
        disk.fill()
        reserve.give_up()
        assert free(disk.path) == reserve.size


def test_a_file_of_another_size_is_replaced(tmp_path: Path) -> None:
    """A reserve that was cut off by a crash is made anew."""
    path = tmp_path / "x.reserve"
    path.write_bytes(b"cut")
    reserve = DiskReserve(path)
    assert reserve.take()
    assert path.stat().st_size == reserve.size
    reserve.give_up()
    assert not path.exists()


def test_only_a_full_disk_counts(tmp_path: Path) -> None:
    """What else keeps the file from being written, such as a directory in its place, does not."""
    path = tmp_path / "x.reserve"
    path.mkdir()
    (path / "child").touch()
    assert DiskReserve(path).take()
