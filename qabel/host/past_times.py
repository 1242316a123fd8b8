"""Times in the past, as people type them: a date and time, or how long ago. Knows no Qabel."""

import re
from datetime import datetime

UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
"""Seconds of each unit."""

FORMS = "2h, 3d, 2026-11-28, 2026-11-28T14:30 or 2026-11-28T14:30:00+01:00"
"""Examples of all that is understood."""

_AGO = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|min|h|d|w)", re.ASCII)


class InvalidTime(ValueError):
    """It is no time, or not in the past; the text says which."""


def parse_past_time(text: str, now: float) -> float:
    """Return a time in seconds since the epoch. Raises InvalidTime.

    Args:
        text: how long ago it was, as a number with a unit of ``UNITS``; or a date of ISO 8601, with
            a time or for its midnight, in local time unless it has a time zone.
        now: seconds since the epoch.

    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            moment = now - float(ago[1]) * UNITS[ago[2]]
        else:
            moment = datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise InvalidTime(f"{text!r} is not a time; write {FORMS}") from None
    if moment > now:
        raise InvalidTime(f"{text!r} is in the future")
    return max(0.0, moment)


def format_local_time(moment: float) -> str:
    """Return a time in seconds since the epoch as local time with its offset."""
    return datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")
