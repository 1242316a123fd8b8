"""What the core says when it cannot do what was asked. ``rest`` maps these to HTTP statuses.

Trouble with the disk is passed on as the store tells of it: ``StoreError``, and its kind
``StoreFull``.
"""

from collections.abc import Iterable

from qabel.forms.errors import FieldError
from qabel.store.database.errors import StoreError, StoreFull

__all__ = [
    "Changed",
    "Conflict",
    "CoreError",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "StoreError",
    "StoreFull",
    "TooLarge",
    "Unavailable",
]


class CoreError(Exception):
    """The family: ``detail`` is one sentence for the user, with no secret in it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Invalid(CoreError):
    """What was given is not valid; ``errors`` lists each thing that is wrong, with its place."""

    def __init__(self, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class NotFound(CoreError):
    """There is no such thing, or there is no longer."""


class Forbidden(CoreError):
    """The caller's access does not reach so far."""


class Conflict(CoreError):
    """It is valid, but does not go with what is there already."""


class Changed(CoreError):
    """The document is not the one that the caller wanted to change: it changed meanwhile."""


class TooLarge(CoreError):
    """A message that does not fit the transport format."""

    def __init__(self, detail: str, *, size: int, limit: int) -> None:
        super().__init__(detail)
        self.size = size
        self.limit = limit


class Gone(CoreError):
    """A place in the log that this database did not give, or whose messages are gone by retention.

    ``oldest`` is the oldest place that there still is, as text.
    """

    def __init__(self, detail: str, *, oldest: str) -> None:
        super().__init__(detail)
        self.oldest = oldest


class Unavailable(CoreError):
    """The daemon is stopping, or not yet ready."""
