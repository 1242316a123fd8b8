"""Responses as values."""

from attrs import field, frozen

from qabel.contract.conditions import matches
from qabel.jsontext import encode

JSON = b"application/json"
PROBLEM = b"application/problem+json"

Headers = tuple[tuple[bytes, bytes], ...]


@frozen
class Reply:
    """A response; ``content_type`` is None if it has no body at all."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: bytes | None = JSON
    headers: Headers = ()


NO_CONTENT = Reply(204, content_type=None)


def json_reply(value: object, status: int = 200, headers: Headers = ()) -> Reply:
    """Return the response with a value as JSON."""
    return Reply(status, encode(value), JSON, headers)


def created(value: object, location: str) -> Reply:
    """Return the response to a request that created what is now at ``location``."""
    return json_reply(value, 201, ((b"Location", location.encode()),))


def file_reply(body: bytes, content_type: bytes, name: str) -> Reply:
    """Return the response that is a file to download, with its name in ASCII."""
    disposition = f'attachment; filename="{name}"'.encode()
    return Reply(200, body, content_type, ((b"Content-Disposition", disposition),))


def versioned(body: bytes, etag: str, if_none_match: str | None) -> Reply:
    """Return the response with a version of a JSON document.

    Args:
        body: the document.
        etag: the version: a strong entity tag, with its quotation marks.
        if_none_match: the header with the versions that the client has.

    Returns:
        304 without a body if the client has this version, or else 200 with the document.

    """
    headers = ((b"ETag", etag.encode()),)
    if if_none_match is not None and matches(if_none_match, etag, weak=True):
        return Reply(304, content_type=None, headers=headers)
    return Reply(200, body, JSON, headers)
