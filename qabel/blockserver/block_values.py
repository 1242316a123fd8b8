"""What the parts of a block server tell each other."""

import re
from collections.abc import Sequence

from attrs import field, frozen

MAX_NAME = 255
"""Characters of the name of an object in a prefix."""

_NAME = re.compile(r"[A-Za-z0-9_/-]+", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)


class BlockRefused(Exception):
    """A request is refused.

    Args:
        status: of the response.
        text: the reason, for people.
        etag: of what is there, if that is the reason.

    """

    def __init__(self, status: int, text: str, etag: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.etag = etag


def is_name(text: str) -> bool:
    """Return whether a text can be the name of an object."""
    return _NAME.fullmatch(text) is not None


def is_prefix(text: str) -> bool:
    """Return whether a text can be a prefix."""
    return _PREFIX.fullmatch(text) is not None


@frozen
class ObjectPath:
    """Where an object is for clients."""

    prefix: str
    name: str

    @property
    def text(self) -> str:
        """Both, as messages to listeners have them."""
        return f"{self.prefix}/{self.name}"


@frozen
class StoredObject:
    """What is at a path now."""

    object: str = field(repr=False)
    """Its name in the storage: random, and never used again."""
    size: int
    """In bytes."""

    @property
    def etag(self) -> str:
        """Its version, as clients get it: quoted, as HTTP has it."""
        return f'"{self.object}"'


@frozen
class BlockAccount:
    """Whoever has a token."""

    id: int
    name: str
    quota: int
    """Bytes that there may be."""
    used: int
    """Bytes that there are."""
    objects: int = 0
    """How many objects have these bytes."""
    is_revoked: bool = False


def parse_tags(headers: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the values of ``If-Match`` or ``If-None-Match``; None if there are none."""
    if headers is None:
        return None
    return tuple(each.strip() for value in headers for each in value.split(","))


@frozen
class Conditions:
    """Which version a client expects (RFC 9110, section 13.1). Versions are compared as texts."""

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None

    def check(self, there: StoredObject | None) -> None:
        """Raise BlockRefused if there is something else than a client expects."""
        etag = None if there is None else there.etag
        if self.if_match is not None and not names_version(self.if_match, etag):
            text = "If-Match ETag did not match stored object"
            if etag is None:
                text = "If-Match ETag did not match: object does not exist."
            raise BlockRefused(412, text, etag)
        if self.if_none_match is not None and names_version(self.if_none_match, etag):
            raise BlockRefused(412, "If-None-Match ETag matches stored object", etag)


def names_version(tags: tuple[str, ...], etag: str | None) -> bool:
    """Return whether a list of versions, or ``*``, has the one that is there; None for nothing."""
    return etag is not None and (etag in tags or "*" in tags)
