"""What a token may do, as routes declare it and access control decides it."""

from typing import Literal, Protocol, get_args

ScopeName = Literal["status", "read", "send", "settings", "admin"]

SCOPES: tuple[str, ...] = get_args(ScopeName)
"""What a token can be good for; ``admin`` includes all others."""


class Access(Protocol):
    """What a caller may do: ``qabel.core.access.Access``."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that it has."""

    @property
    def identity_id(self) -> int | None:
        """The one identity that it is restricted to; None for all."""
