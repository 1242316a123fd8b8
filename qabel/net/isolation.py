"""Isolation: what one identity does at a drop server shares nothing visible with what others do.

A server, or a proxy on the way to it, joins whatever comes over one connection. So connections are
kept for requests with the same *isolation key* only: those of one identity for one purpose.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import count

import attrs

from qabel.drop.url import DropURL


class Purpose(StrEnum):
    """What a connection is for."""

    READ = "read"
    PUSH = "push"
    POST = "post"
    BOX = "box"
    TEST = "test"
    WEBHOOK = "webhook"


@attrs.frozen
class IsolationKey:
    """Whose connection it is, and for what. Connections with different keys are never shared."""

    purpose: Purpose
    owner: bytes = attrs.field(default=b"", repr=False)
    """The public key of an identity, or the URL of a drop that several identities read."""
    number: int = 0
    """Tells apart connections that are for a single request each; 0 for connections that are kept.
    """

    @property
    def is_kept(self) -> bool:
        """Whether a connection may be used again, for the next request with the same key."""
        return self.number == 0


_LINKABLE = IsolationKey(Purpose.READ)


@attrs.define(eq=False)
class Isolation:
    """Decides on the isolation keys of requests.

    Args:
        is_linkable: whether there is no isolation: all requests have the same key, and servers can
            tell who belongs together.

    """

    is_linkable: bool = attrs.field(default=False, kw_only=True)
    _owners: Mapping[DropURL, bytes] = attrs.field(factory=dict, init=False, repr=False)
    _listeners: list[Callable[[], object]] = attrs.field(factory=list, init=False, repr=False)
    _numbers: "count[int]" = attrs.field(factory=lambda: count(1), init=False, repr=False)

    def set_owners(self, owners: Mapping[DropURL, Iterable[bytes]]) -> None:
        """Set which drops are read, each with the public keys of the identities that read it."""
        self._owners = {url: _owner(url, list(keys)) for url, keys in owners.items()}
        for each in self._listeners:
            each()

    def on_change(self, call: Callable[[], object]) -> None:
        """Call a function after each ``set_owners``."""
        self._listeners.append(call)

    def owner_of(self, url: DropURL) -> bytes | None:
        """Return whose drop it is, as in its isolation keys; None if no identity reads it."""
        return self._owners.get(url)

    def is_used(self, key: IsolationKey) -> bool:
        """Return whether there will be further requests with a key."""
        return self.is_linkable or (key.is_kept and key.owner in self._owners.values())

    def reading(self, url: DropURL) -> IsolationKey:
        """Return the key for reading a drop. What no identity reads is read as a test."""
        return self._lasting(Purpose.READ, url)

    def asking(self, owner: bytes) -> IsolationKey:
        """Return the key for asking a server before an identity has a drop: that of its reading."""
        return _LINKABLE if self.is_linkable else IsolationKey(Purpose.READ, owner)

    def push(self, url: DropURL) -> IsolationKey:
        """Return the key for listening to a drop."""
        return self._lasting(Purpose.PUSH, url)

    def posting(self) -> IsolationKey:
        """Return the key of a single posting, which no other has."""
        return self._single(Purpose.POST)

    def _lasting(self, purpose: Purpose, url: DropURL) -> IsolationKey:
        if self.is_linkable:
            return _LINKABLE
        owner = self.owner_of(url)
        return self._single(Purpose.TEST) if owner is None else IsolationKey(purpose, owner)

    def _single(self, purpose: Purpose) -> IsolationKey:
        return _LINKABLE if self.is_linkable else IsolationKey(purpose, number=next(self._numbers))


def _owner(url: DropURL, keys: list[bytes]) -> bytes:
    return keys[0] if len(keys) == 1 else str(url).encode("ascii")
