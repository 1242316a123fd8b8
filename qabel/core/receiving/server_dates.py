"""Dates as drop servers state them."""

from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

AHEAD = 24 * 3600.0
"""Seconds by which a server's clock may be ahead of ours; a later date is not believed."""

MAX_LENGTH = 64
"""Characters that a date may have."""


def newest(dates: Iterable[str | None], now: float) -> str | None:
    """Return the latest of some HTTP or RFC 5322 dates, unchanged; None if none is believable.

    A date without a time zone is in UTC.

    Args:
        dates: as servers state them, or as they were noted earlier; rubbish is ignored.
        now: seconds since the epoch.

    """
    moments = [(moment, text) for text in dates if text and (moment := _read(text)) is not None]
    believable = [each for each in moments if 0 <= each[0] < now + AHEAD]
    return max(believable)[1] if believable else None


def _read(text: str) -> float | None:
    """Return the seconds since the epoch, or None if the text is no date."""
    if len(text) > MAX_LENGTH or not (text.isascii() and text.isprintable()):
        return None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
