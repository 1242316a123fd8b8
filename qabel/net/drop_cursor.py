"""Cursors: how far a drop was read, in the server's own words, stored and sent back unchanged."""

import re

from twisted.web.http_headers import Headers

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
        value = since.removeprefix(_BY_TIME)
        return (b"If-Modified-Since", value.encode("ascii")) if _is_sendable(value) else None
    return b"X-Qabel-New-Since", since.encode("ascii")


def _single(headers: Headers, name: bytes) -> str | None:
    values = headers.getRawHeaders(name, [])
    if len(values) != 1:
        return None
    text = values[0].decode("latin-1")
    return text if _is_sendable(text) else None


def _is_sendable(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _PRINTABLE.fullmatch(text) is not None
