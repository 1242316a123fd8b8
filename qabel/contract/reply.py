"""Answers as values."""

from attrs import field, frozen

from qabel.contract.conditions import matches
from qabel.jsontext import encode

JSON = b"application/json"
PROBLEM = b"application/problem+json"

Headers = tuple[tuple[bytes, bytes], ...]


@frozen
class Reply:
    """What a request is answered: ``content_type`` is None where there is no body at all."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: bytes | None = JSON
    headers: Headers = ()


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


def versioned(body: bytes, etag: str, if_none_match: str | None) -> Reply:
    """Return the answer that is a document with a version: 304 for those who have it already."""
    headers = ((b"ETag", etag.encode()),)
    if if_none_match is not None and matches(if_none_match, etag, weak=True):
        return Reply(304, content_type=None, headers=headers)
    return Reply(200, body, JSON, headers)
