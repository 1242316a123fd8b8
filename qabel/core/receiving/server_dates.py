"""Dates as drop servers state them."""

from collections.abc import Iterable

from qabel.drop.dates import read_date

AHEAD = 24 * 3600.0
"""Seconds by which a server's clock may be ahead of ours; a later date is not believed."""


def newest(dates: Iterable[str | None], now: float) -> str | None:
    """Return the latest of some HTTP or RFC 5322 dates, unchanged; None if none is believable.

    A date without a time zone is in UTC.

    Args:
        dates: as servers state them, or as they were noted earlier; rubbish is ignored.
        now: seconds since the epoch.

    """
    moments = [(moment, text) for text in dates if text and (moment := read_date(text)) is not None]
    believable = [each for each in moments if 0 <= each[0] < now + AHEAD]
    return max(believable)[1] if believable else None
