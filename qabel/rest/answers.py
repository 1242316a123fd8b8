"""Answers as values, and putting them into a request: the only place that sets answer headers."""

import time
from typing import TYPE_CHECKING

from attrs import frozen

from qabel.jsontext import encode

if TYPE_CHECKING:
    from qabel.rest.request import ApiRequest

JSON = b"application/json"
PROBLEM = b"application/problem+json"

Headers = tuple[tuple[bytes, bytes], ...]

_SERVER = [b"qabel"]
_NO_STORE = [b"no-store"]
_NO_SNIFFING = [b"nosniff"]


@frozen
class Reply:
    """What a request is answered: ``content_type`` is None where there is no body at all."""

    status: int = 200
    body: bytes = b""
    content_type: bytes | None = JSON
    headers: Headers = ()

    def begin(self, request: "ApiRequest") -> bytes:
        """Set status and headers of a request's answer, and give the body that is to follow."""
        answer = request.responseHeaders.setRawHeaders
        request.setResponseCode(self.status)
        answer(b"Date", [_http_date()])
        answer(b"Server", _SERVER)
        answer(b"Cache-Control", _NO_STORE)
        answer(b"X-Content-Type-Options", _NO_SNIFFING)
        if self.content_type is not None:
            answer(b"Content-Type", [self.content_type])
            answer(b"Content-Length", [b"%d" % len(self.body)])
        for name, value in self.headers:
            answer(name, [value])
        for name, value in request.cors:
            answer(name, [value])
        return self.body


NO_CONTENT = Reply(204, content_type=None)


def json_reply(value: object, status: int = 200, headers: Headers = ()) -> Reply:
    """Make the answer that is a value in JSON."""
    return Reply(status, encode(value), JSON, headers)


def created(value: object, location: str) -> Reply:
    """Make the answer to the making of something, which is then found at ``location``."""
    return json_reply(value, 201, ((b"Location", location.encode()),))


def file_reply(body: bytes, content_type: bytes, name: str) -> Reply:
    """Make the answer that is a file to be kept under a name of ASCII letters."""
    disposition = f'attachment; filename="{name}"'.encode()
    return Reply(200, body, content_type, ((b"Content-Disposition", disposition),))


def versioned(body: bytes, etag: str, if_none_match: bytes | None) -> Reply:
    """Make the answer that is a document with a version: 304 for those who have it already."""
    tag = etag.encode()
    headers = ((b"ETag", tag),)
    if if_none_match is not None and _is_among(tag, if_none_match):
        return Reply(304, content_type=None, headers=headers)
    return Reply(200, body, JSON, headers)


def _is_among(tag: bytes, given: bytes) -> bool:
    tags = [each.strip().removeprefix(b"W/") for each in given.split(b",")]
    return tag in tags or b"*" in tags


_date: tuple[int, bytes] = (0, b"")


def _http_date() -> bytes:
    """Give the time of day as HTTP writes it, made once a second."""
    global _date  # noqa: PLW0603
    now = int(time.time())
    if _date[0] != now:
        _date = (now, time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now)).encode())
    return _date[1]
