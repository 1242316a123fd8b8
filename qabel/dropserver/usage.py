"""What the messages of a drop server take of the disk, and how much they may."""

import shutil
from pathlib import Path

import attrs

LARGEST_SHARES = 10
"""How many of the largest shares ``Usage`` has."""

LEAST_QUOTA = 1_000_000
"""Bytes, however small the disk."""


@attrs.frozen
class Usage:
    """What the messages of a file take, and whether more can be stored."""

    messages: int
    charged: int
    """Bytes that they are charged."""
    quota: int
    """Bytes that they may be charged."""
    shares: list[float]
    """The bytes of the sources that hold most, the heaviest first."""
    is_disk_full: bool


def half_of_disk(path: Path) -> int:
    """Return half of the bytes that a file has, or could have, on its disk."""
    return max(LEAST_QUOTA, (path.stat().st_size + shutil.disk_usage(path.parent).free) // 2)
