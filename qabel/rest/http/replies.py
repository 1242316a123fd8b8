"""Write replies, as the response to a request or as bytes."""

import time
from collections.abc import Iterator
from typing import Any

from twisted.web.http import datetimeToString

from qabel.contract.reply import JSON, PROBLEM, Headers, Reply

ON_ALL: Headers = (
    (b"Server", b"qabel"),
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
)
"""The headers of every response, besides Date."""


def begin(request: Any, reply: Reply) -> bytes:
    """Set the status and headers of a response, and return the body to send."""
    body = _content(reply)
    request.setResponseCode(reply.status)
    set_header = request.responseHeaders.setRawHeaders
    for name, value in _headers(reply, len(body)):
        set_header(name, [value])
    for name, value in request.decision.cors:
        set_header(name, [value])
    return body


def raw(reply: Reply) -> bytes:
    """Return a whole response that ends its connection, for use where there is no request."""
    body = _content(reply)
    lines = b"".join(b"%s: %s\r\n" % each for each in _headers(reply, len(body)))
    status = b"HTTP/1.1 %d Rejected\r\n" % reply.status
    return b"".join((status, b"Connection: close\r\n", lines, b"\r\n", body))


def _content(reply: Reply) -> bytes:
    """Return the body as it is sent: JSON ends with a line feed, as a shell expects it."""
    return reply.body + b"\n" if reply.content_type in (JSON, PROBLEM) else reply.body


def _headers(reply: Reply, length: int) -> Iterator[tuple[bytes, bytes]]:
    yield from ON_ALL
    yield b"Date", datetimeToString(time.time())
    if reply.content_type is not None:
        yield b"Content-Type", reply.content_type
        yield b"Content-Length", b"%d" % length
    yield from reply.headers
