"""Interprets the status and headers of a drop server's responses."""

from twisted.web.http import stringToDatetime
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from qabel.drop.multipart import IncompleteMultipart, MultipartError, MultipartParser
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    IncompleteResponse,
    InvalidResponse,
    ServerRefused,
)
from qabel.net.exchange_limits import SETTLE_BYTES, Watchdog
from qabel.net.response_body import BodyReader
from qabel.net.tls_errors import ErrorPage

NOTHING_NEW = (204, 304)
"""Statuses by which a drop server says that there are no newer messages."""

PERMANENT = (400, 413)
"""Statuses by which a drop server rejects a message for good."""

NO_DROP_SERVER = (404, 405, 410, 501, 511)
"""Statuses to a GET, besides redirects, by which whatever answers shows that it is none."""

ASKS_TO_WAIT = (429, 503, 507)
"""Statuses by which a server may ask for time: too many requests, overloaded, full."""

_REASONS = {
    429: "takes no more requests from this address for a while (status {status}).",
    507: "has no room for the message now (status {status}).",
}
"""What some statuses mean to whoever posts."""

_OF_SHARED = {
    507: "has no room for the message now (status {status}). Strangers may have filled the drop, "
    "which people share.",
}
"""What they mean in a drop that people share by chance."""

ERROR_WITH_PAGE = 400
"""The status of web servers to a request without the TLS or the certificate that they expect."""

MAX_RETRY_AFTER = 3600.0
"""Seconds of a Retry-After that are respected at most."""


def rejection(
    response: IResponse,
    peer: str,
    now: float,
    *,
    permanent: bool = False,
    page: ErrorPage | None = None,
    is_shared: bool = False,
) -> DropServerError:
    """Return the error for a response whose status is not a success.

    Args:
        response: the response.
        peer: what the error calls the server.
        now: seconds since the epoch.
        permanent: whether repeating the request is pointless, if a drop server has responded.
        page: the body of a response with status 400, if it was read.
        is_shared: whether it is about a drop that people share by chance.

    """
    status = response.code
    meaning = None if page is None else page.meaning
    if meaning is not None:
        return ConnectFailed(f"{peer} {meaning}.")
    if status < 300:
        return InvalidResponse(f"{peer} responded with unexpected status {status}.")
    if status < 400:
        text = f"{peer} responded with a redirect (status {status}), which is not followed."
    else:
        reasons = _REASONS | _OF_SHARED if is_shared else _REASONS
        what = reasons.get(status, "rejected the request with status {status}.")
        text = f"{peer} {what.format(status=status)}"
    return ServerRefused(
        text,
        status=status,
        permanent=permanent,
        retry_after=retry_after(response, now) if status in ASKS_TO_WAIT else None,
    )


def shows_no_drop_server(error: DropServerError) -> bool:
    """Return whether a failed GET shows that something else answers in place of a drop server.

    That is a web page or a redirect, for example of a network that wants its users to log in. A
    server that is unreachable, overloaded or out of order shows nothing.
    """
    if isinstance(error, ServerRefused):
        return 300 <= error.status < 400 or error.status in NO_DROP_SERVER
    return isinstance(error, InvalidResponse)


async def read_acceptance(
    response: IResponse, peer: str, now: float, watchdog: Watchdog, *, is_shared: bool = False
) -> None:
    """Return if a response to a POST says that the message was taken: 2xx, with an empty body.

    A web page with status 200 comes from something else, which has not stored the message.

    Args:
        response: the response, whose body is not read yet.
        peer: what the error calls the server.
        now: seconds since the epoch.
        watchdog: enforces the time limits.
        is_shared: whether it was posted to a drop that people share by chance.

    Raises:
        DropServerError: the message was not taken, or that is not known.

    """
    accepted = 200 <= response.code < 300
    announced = response.length is not UNKNOWN_LENGTH and response.length > 0
    page = ErrorPage()

    def feed(data: bytes) -> bool:
        if accepted and (data or announced):
            raise InvalidResponse(
                f"{peer} responded to a message with a body, which a drop server never does. "
                "Something else, such as the login page of a network, may have responded."
            )
        # Of other errors, only the status and the headers matter.
        return page.feed(data) if response.code == ERROR_WITH_PAGE else not accepted

    await BodyReader(peer, watchdog, SETTLE_BYTES, feed).read(response)
    if not accepted:
        permanent = response.code in PERMANENT
        raise rejection(response, peer, now, permanent=permanent, page=page, is_shared=is_shared)


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


def invalid_response(peer: str, error: MultipartError) -> InvalidResponse:
    """Return the error of a response that cannot be parsed."""
    return InvalidResponse(f"{peer} sent an invalid response: {error}.")


def finish_parts(parser: MultipartParser, peer: str) -> None:
    """Check that a response was complete. Raises IncompleteResponse, InvalidResponse."""
    try:
        parser.finish()
    except IncompleteMultipart:
        raise IncompleteResponse(f"{peer} broke off in the middle of its response.") from None
    except MultipartError as error:
        raise invalid_response(peer, error) from None
