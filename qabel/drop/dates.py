"""Dates as drop servers state them, in headers and in the parts of a response."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

MAX_LENGTH = 64
"""Characters that a date may have."""


def read_date(text: str | None) -> int | None:
    """Return the seconds since the epoch of an HTTP or RFC 5322 date; None if it is none.

    A date without a time zone is in UTC.
    """
    if text is None or len(text) > MAX_LENGTH or not (text.isascii() and text.isprintable()):
        return None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def http_date(moment: int) -> str | None:
    """Return seconds since the epoch as an HTTP date; None if the year is out of range."""
    try:
        return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    except (ValueError, OverflowError, OSError):
        return None
