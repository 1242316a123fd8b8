"""The result of one attempt to post a message."""

from enum import StrEnum
from typing import TypeAlias

from attrs import frozen


class PostOutcome(StrEnum):
    """How an attempt ended."""

    TAKEN = "taken"
    REFUSED = "refused"
    """For good: trying again would change nothing."""
    FAILED = "failed"
    """This time; it is tried again."""


@frozen
class PostResult:
    """How an attempt ended, and why."""

    outcome: PostOutcome
    reason: str | None = None


PostingKey: TypeAlias = tuple[int, bytes, str]
"""What a posting is for: the id of its send, the recipient's key, and the drop URL."""
