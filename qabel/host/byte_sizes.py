"""Sizes on command lines: ``2G``, ``500M``, ``1.5 GB``."""

import re

from qabel.host.start_errors import StartError

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B|bytes?)?", re.ASCII | re.IGNORECASE)

_MOST = 2**62


def parse_size(option: str, text: str) -> int:
    """Return how many bytes a text means.

    Args:
        option: its name, for the error.
        text: a number, with a unit of which each is 1,024 of the one before it.

    Raises:
        StartError: it is none, or nothing, or more than a file system holds.

    """
    found = _SIZE.fullmatch(text.strip())
    size = 0.0 if found is None else float(found[1]) * _UNITS[found[2].upper()]
    if not 1 <= size <= _MOST:
        raise StartError(f"--{option} must be a size such as 500M or 2G, not {text!r}")
    return int(size)


def format_size(size: int) -> str:
    """Return a size as people read it: ``1.5 GiB``."""
    number, unit = float(size), "bytes"
    for each in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, each
    if unit == "bytes":
        return f"{size:,} byte{'' if size == 1 else 's'}"
    return f"{number:,.1f} {unit}"
