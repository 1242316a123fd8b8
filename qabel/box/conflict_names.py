"""Names for files of which another device has committed another version under the same name."""

import re
from datetime import datetime
from pathlib import PurePosixPath

MAX_BYTES = 255
"""Bytes of a name that any file system holds."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""Characters with which the clients of Qabel, and Windows, keep no file."""

_LONGEST_DEVICE = 60
"""Characters of a device's name that are written."""


def conflict_name(name: str, device: str, time: datetime) -> str:
    """Return ``STEM (conflict of DEVICE, 2026-11-25 14.03.07).EXT``.

    Args:
        name: of the file.
        device: the name of this device, as people know it.
        time: in the time zone of this device. The name must be kept until it is committed: with
            another time, the same conflict would make another file.

    """
    shown = _FORBIDDEN.sub("-", device)[:_LONGEST_DEVICE].strip() or "another device"
    return _inserted(name, f" (conflict of {shown}, {time:%Y-%m-%d %H.%M.%S})")


def numbered_name(name: str, number: int) -> str:
    """Return ``STEM NUMBER.EXT``, for a name that is taken."""
    return _inserted(name, f" {number}")


def _inserted(name: str, text: str) -> str:
    # The path of a name without slashes: such names are read, but are on no disk.
    extension = PurePosixPath(name).suffix if "/" not in name else ""
    room = MAX_BYTES - len((text + extension).encode())
    if room < 1:
        extension, room = "", MAX_BYTES - len(text.encode())
    stem = name.removesuffix(extension).encode()[:room].decode(errors="ignore")
    return stem + text + extension
