"""The stamps by which a drop server orders its messages, and their forms in headers.

A stamp is a number of microseconds since the epoch. Each message gets a greater stamp than all
messages committed before it, so that "newer than this stamp" misses nothing, whatever the clock
does.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

SECOND = 1_000_000
"""Microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = re.compile(r"([0-9]{1,12})(?:\.([0-9]{0,20}))?", re.ASCII)
_END = 253_402_300_800 * SECOND  # the year 10000, which no HTTP date can express


def format_latest(stamp: int) -> str:
    """Return a stamp as the value of ``X-Qabel-Latest``: seconds with six decimals."""
    return f"{stamp // SECOND}.{stamp % SECOND:06}"


def parse_latest(text: str) -> int | None:
    """Parse the value of ``X-Qabel-New-Since``; return None if it is invalid."""
    match = _LATEST.fullmatch(text.strip())
    if match is None:
        return None
    stamp = int(match[1]) * SECOND + int((match[2] or "")[:6].ljust(6, "0"))
    return stamp if stamp < _END else None


def format_http_date(stamp: int) -> str:
    """Return a stamp as the value of ``Last-Modified``."""
    return format_datetime(_datetime(stamp), usegmt=True)


def format_part_date(stamp: int) -> str:
    """Return a stamp as the ``Date`` of a part; all stamps have the same length."""
    return format_datetime(_datetime(stamp))


def parse_http_date(text: str) -> int | None:
    """Parse the value of ``If-Modified-Since``; return None if it is not a date."""
    try:
        date = parsedate_to_datetime(text)
        moment = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0, (moment - _EPOCH) // timedelta(microseconds=1))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _datetime(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp // SECOND, UTC)
