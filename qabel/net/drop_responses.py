"""Interprets the status and headers of a drop server's responses."""

from twisted.web.http import stringToDatetime
from twisted.web.iweb import IResponse

from qabel.net.errors import DropServerError, InvalidResponse, ServerRefused

NOTHING_NEW = (204, 304)
"""Statuses by which a drop server says that there are no newer messages."""

PERMANENT = (400, 413)
"""Statuses by which a drop server rejects a message for good."""

MAX_RETRY_AFTER = 3600.0
"""Seconds of a Retry-After that are respected at most."""


def rejection(
    response: IResponse, peer: str, now: float, *, permanent: bool = False
) -> DropServerError:
    """Return the error for a response whose status is not a success.

    Args:
        response: the response.
        peer: what the error calls the server.
        now: seconds since the epoch.
        permanent: whether repeating the request is pointless.

    """
    status = response.code
    if status < 300:
        return InvalidResponse(f"{peer} responded with unexpected status {status}.")
    if status < 400:
        text = f"{peer} responded with a redirect (status {status}), which is not followed."
    else:
        text = f"{peer} rejected the request with status {status}."
    return ServerRefused(
        text,
        status=status,
        permanent=permanent,
        retry_after=retry_after(response, now) if status in (429, 503) else None,
    )


def retry_after(response: IResponse, now: float) -> float | None:
    """Return the seconds of the Retry-After header (RFC 9110, section 10.2.3), within bounds."""
    values = response.headers.getRawHeaders(b"Retry-After", [])
    text = values[0].strip() if len(values) == 1 and len(values[0]) <= 64 else b""
    if text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = stringToDatetime(text) - now
        except (ValueError, KeyError, IndexError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def content_type(response: IResponse) -> str:
    """Return the Content-Type header, or "" if there is not exactly one."""
    values = response.headers.getRawHeaders(b"Content-Type", [])
    return values[0].decode("latin-1") if len(values) == 1 else ""
