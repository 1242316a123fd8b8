"""What a token allows: routes declare it, the core decides it, and access control checks it."""

from typing import Literal, get_args

from attrs import frozen

ScopeName = Literal["status", "read", "send", "settings", "admin"]

SCOPES: tuple[str, ...] = get_args(ScopeName)
"""All scopes that a token can have; ``admin`` includes the others."""


@frozen
class Access:
    """What a caller may do."""

    scopes: frozenset[str]
    identity_id: int | None = None
    """The only identity that the caller may act for; None if it may act for all."""
    token_id: int | None = None
    """The id of the token; None for the main token, and for requests that need none."""


EVERYTHING = Access(frozenset(SCOPES))
"""The access of the main token."""

NOBODY = Access(frozenset())
"""The access of a caller without a token, for routes that need none."""
