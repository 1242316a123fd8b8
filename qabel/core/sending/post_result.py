"""The result of one delivery attempt."""

from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from qabel.net.errors import DropServerError, ServerRefused


class PostOutcome(StrEnum):
    """How a delivery attempt ended."""

    TAKEN = "taken"
    REFUSED = "refused"
    """For good: a retry would fail as well."""
    FAILED = "failed"
    """It is retried."""


def outcome_of(error: DropServerError | None, no_drop_server: str | None) -> PostOutcome:
    """Return how a delivery attempt ended.

    Args:
        error: what the attempt failed with; None if a server took the message.
        no_drop_server: how it is known that no drop server is there; None if it is not. What is
            none can neither take a message nor refuse it for good.

    """
    if no_drop_server is not None:
        return PostOutcome.FAILED
    if error is None:
        return PostOutcome.TAKEN
    is_final = isinstance(error, ServerRefused) and error.permanent
    return PostOutcome.REFUSED if is_final else PostOutcome.FAILED


@frozen
class PostResult:
    """How a delivery attempt ended, and why."""

    outcome: PostOutcome
    reason: str | None = None


PostingKey: TypeAlias = tuple[int, bytes, str]
"""A posting is identified by the id of its send, the recipient's key, and the drop URL."""
