"""Cursors: how far a drop was read, in the server's own words, stored and sent back unchanged."""

import math
import re

from twisted.web.http_headers import Headers

from qabel.drop.dates import http_date, read_date

HOUR = 3600

MAX_LENGTH = 256
"""Characters that a cursor may have."""

_BY_TIME = "lm:"
"""Prefix of the ``Last-Modified`` of a server that sends no ``X-Qabel-Latest``."""

_PRINTABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def read_cursor(headers: Headers) -> str | None:
    """Return the cursor in the headers of a response, or None if none could be sent back."""
    latest = _single(headers, b"X-Qabel-Latest")
    # A value with our own prefix could not be told from a Last-Modified later.
    if latest is not None and not latest.startswith(_BY_TIME):
        return latest
    modified = _single(headers, b"Last-Modified")
    return None if modified is None else _BY_TIME + modified


def cursor_header(since: str | None) -> tuple[bytes, bytes] | None:
    """Return the header that requests what is newer than a cursor; None for everything."""
    if since is None or not _is_sendable(since):
        return None
    if since.startswith(_BY_TIME):
        value = _one_second_before(since.removeprefix(_BY_TIME))
        return (b"If-Modified-Since", value.encode("ascii")) if _is_sendable(value) else None
    return b"X-Qabel-New-Since", since.encode("ascii")


def date_cursor(moment: int) -> str | None:
    """Return the cursor that requests what arrived from a second on; None if it is out of range.

    ``moment`` is in seconds since the epoch.
    """
    text = http_date(moment)
    return None if text is None else _BY_TIME + text


def hour_cursor(moment: int) -> str | None:
    """Return a cursor that many clients have: an hour before a moment, cut to the hour.

    ``moment`` is in seconds since the epoch. What arrived since then is requested, and more.
    """
    return date_cursor((moment - HOUR) // HOUR * HOUR + 1)


def read_modified(headers: Headers) -> int | None:
    """Return the ``Last-Modified`` of a response in seconds since the epoch, or None."""
    return read_date(_single(headers, b"Last-Modified"))


def went_back(new: str | None, old: str | None) -> bool:
    """Return whether a cursor is before another: numbers and dates can be compared."""
    if new is None or old is None:
        return False
    if new.startswith(_BY_TIME) and old.startswith(_BY_TIME):
        moments = (read_date(each.removeprefix(_BY_TIME)) for each in (new, old))
        before, after = moments
        return before is not None and after is not None and before < after
    smaller, larger = _number(new), _number(old)
    return smaller is not None and larger is not None and smaller < larger


def _number(cursor: str) -> float | None:
    try:
        number = float(cursor) if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", cursor) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _one_second_before(date: str) -> str:
    """Return the date a second earlier: of two messages in a second, one may come later."""
    moment = read_date(date)
    return (None if moment is None else http_date(moment - 1)) or date


def _single(headers: Headers, name: bytes) -> str | None:
    values = headers.getRawHeaders(name, [])
    if len(values) != 1:
        return None
    text = values[0].decode("latin-1")
    return text if _is_sendable(text) else None


def _is_sendable(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _PRINTABLE.fullmatch(text) is not None
