"""The torture's disks: full and free again, with a mounted file system and without."""

import os
import resource
from pathlib import Path

import pytest

from tests.torture.disks import Disk
from tests.torture.victim import Victim


def test_a_mounted_disk_is_filled(tmp_path: Path) -> None:
    """Nothing more can be written to a full disk, until it is free again."""
    disk, victim = Disk(tmp_path / "disk", 2), Victim("x", "daemon", [], tmp_path / "log")
    disk.prepare()
    if not disk.is_mounted:
        pytest.skip("a file system of a few megabytes cannot be mounted here")
    try:
        disk.fill(victim)
        assert os.statvfs(disk.path).f_bavail == 0
        disk.free(victim)
        assert os.statvfs(disk.path).f_bavail > 0
    finally:
        disk.remove()


def test_a_process_is_limited_where_nothing_can_be_mounted(tmp_path: Path) -> None:
    """Without a file system of its own, no file of the process may grow past its log."""
    disk = Disk(tmp_path, 2)
    (tmp_path / "qabel.db-wal").write_bytes(bytes(1000))
    victim = Victim("x", "daemon", ["-c", "import time; time.sleep(60)"], tmp_path / "log")
    victim.start()
    assert victim.process is not None
    try:
        disk.fill(victim)
        assert resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE)[0] == 1000
        disk.free(victim)
        assert resource.prlimit(victim.process.pid, resource.RLIMIT_FSIZE)[0] == -1
    finally:
        victim.end()
