"""What the messages may take of a disk, unless it is said."""

from pathlib import Path

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Retention
from qabel.dropserver.usage import LEAST_QUOTA, half_of_disk
from tests.dropserver.small_disk import small_disk


def test_the_default_quota_is_half_of_the_disk(tmp_path: Path) -> None:
    """It counts what the file has and what is free, as they are when it is opened."""
    with small_disk(tmp_path / "disk", 40) as disk:
        file = MessageFile(disk.path / "drops.sqlite", Retention())
        assert 14_000_000 < file.usage().quota < 21_000_000
        file.close()


def test_a_full_disk_leaves_a_quota(tmp_path: Path) -> None:
    """However little is free, some messages may be kept."""
    with small_disk(tmp_path / "disk", 1) as disk:
        (disk.path / "file").touch()
        disk.fill()
        assert half_of_disk(disk.path / "file") == LEAST_QUOTA
