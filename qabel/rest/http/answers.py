"""Answers as values, and putting them into a request."""

import time
from typing import TYPE_CHECKING

from attrs import field, frozen

from qabel.jsontext import encode

if TYPE_CHECKING:
    from qabel.rest.http.request import ApiRequest

JSON = b"application/json"
PROBLEM = b"application/problem+json"

Headers = tuple[tuple[bytes, bytes], ...]

_ON_ALL = b"Server: qabel\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nDate: "


@frozen
class Reply:
    """What a request is answered: ``content_type`` is None where there is no body at all."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: bytes | None = JSON
    headers: Headers = ()

    def begin(self, request: "ApiRequest") -> bytes:
        """Set status and headers of a request's answer, and give the body that is to follow."""
        answer = request.responseHeaders.setRawHeaders
        request.setResponseCode(self.status)
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


_on_all: tuple[int, bytes] = (0, b"")


def headers_on_all() -> bytes:
    """Give the header lines that each answer has, with the date; made once a second."""
    global _on_all  # noqa: PLW0603
    now = int(time.time())
    if _on_all[0] != now:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(now))
        _on_all = (now, _ON_ALL + date.encode())
    return _on_all[1]
