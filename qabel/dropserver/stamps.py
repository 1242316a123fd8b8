"""The times by which a drop server names its messages, and how they are written and read.

A stamp is in microseconds since the epoch. The server gives each message a greater one than all
messages before it, in the order in which they are committed: "newer than this stamp" leaves out
nothing, whatever the clock does.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

SECOND = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = re.compile(r"([0-9]{1,12})(?:\.([0-9]{0,20}))?", re.ASCII)
_END = 253_402_300_800 * SECOND  # the year 10000, which no HTTP date can write


def format_latest(stamp: int) -> str:
    """Write a stamp as the value of ``X-Qabel-Latest``: seconds, with six decimals."""
    return f"{stamp // SECOND}.{stamp % SECOND:06}"


def parse_latest(text: str) -> int | None:
    """Read what came as ``X-Qabel-New-Since``; None if it is no such value."""
    match = _LATEST.fullmatch(text.strip())
    if match is None:
        return None
    stamp = int(match[1]) * SECOND + int((match[2] or "")[:6].ljust(6, "0"))
    return stamp if stamp < _END else None


def format_http_date(stamp: int) -> str:
    """Write a stamp for ``Last-Modified``."""
    return format_datetime(_datetime(stamp), usegmt=True)


def format_part_date(stamp: int) -> str:
    """Write a stamp for the ``Date`` of a part; the same length for every stamp."""
    return format_datetime(_datetime(stamp))


def parse_http_date(text: str) -> int | None:
    """Read what came as ``If-Modified-Since``; None if it is no date."""
    try:
        date = parsedate_to_datetime(text)
        moment = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0, (moment - _EPOCH) // timedelta(microseconds=1))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _datetime(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp // SECOND, UTC)
