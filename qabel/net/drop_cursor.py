"""The place in a drop up to which it was read: the server's own words, kept and sent back."""

import re

from twisted.web.http_headers import Headers

MAX_LENGTH = 256

_BY_TIME = "lm:"
"""Before the ``Last-Modified`` of a server that gives no ``X-Qabel-Latest``."""

_PRINTABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def cursor_from(headers: Headers) -> str | None:
    """Read the new place from an answer; None if it has none that could be sent back."""
    latest = _single(headers, b"X-Qabel-Latest")
    # An opaque value that looks like ours could not be told from ours later.
    if latest is not None and not latest.startswith(_BY_TIME):
        return latest
    modified = _single(headers, b"Last-Modified")
    return None if modified is None else _BY_TIME + modified


def cursor_header(since: str | None) -> tuple[bytes, bytes] | None:
    """Give the one header that asks for what is newer than a place; None to ask for everything."""
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
