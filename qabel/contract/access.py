"""What a token allows, as routes declare it, the core decides it and access control checks it."""

from typing import Literal, get_args

from attrs import frozen

ScopeName = Literal["status", "read", "send", "settings", "admin"]

SCOPES: tuple[str, ...] = get_args(ScopeName)
"""What a token can be good for; ``admin`` includes all others."""


@frozen
class Access:
    """What a caller may do."""

    scopes: frozenset[str]
    identity_id: int | None = None
    """The one identity that it is restricted to; None for all."""
    token_id: int | None = None
    """None for the main token, and where none is needed."""


EVERYTHING = Access(frozenset(SCOPES))
"""The access of the main token."""

NOBODY = Access(frozenset())
"""The access of those who show no token, for routes that need none."""
