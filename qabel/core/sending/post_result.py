"""The result of one delivery attempt."""

from enum import StrEnum
from typing import TypeAlias

from attrs import frozen


class PostOutcome(StrEnum):
    """How a delivery attempt ended."""

    TAKEN = "taken"
    REFUSED = "refused"
    """For good: a retry would fail as well."""
    FAILED = "failed"
    """It is retried."""


@frozen
class PostResult:
    """How a delivery attempt ended, and why."""

    outcome: PostOutcome
    reason: str | None = None


PostingKey: TypeAlias = tuple[int, bytes, str]
"""A posting is identified by the id of its send, the recipient's key, and the drop URL."""
