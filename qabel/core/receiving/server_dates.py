"""Dates as drop servers state them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def newest(dates: Iterable[str | None]) -> str | None:
    """Return the latest of some HTTP or RFC 5322 dates, unchanged; None if none is valid."""
    readable = [(moment, text) for text in dates if text and (moment := _read(text)) is not None]
    return max(readable)[1] if readable else None


def _read(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
