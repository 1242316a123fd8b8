"""The errors of the core. The REST API maps them to HTTP statuses.

Errors of the database are passed on as the store raises them: ``StoreError`` and its subclasses,
such as ``StoreFull``.
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
    "Unauthorized",
    "Unavailable",
]


class CoreError(Exception):
    """The base of the core's errors; ``detail`` is a sentence for the user, without secrets."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Invalid(CoreError):
    """The input is not valid; ``errors`` lists everything that is wrong, with its key."""

    def __init__(self, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class NotFound(CoreError):
    """There is no such object, or it was deleted."""


class Forbidden(CoreError):
    """The caller's token does not permit this."""


class Conflict(CoreError):
    """The request is valid, but conflicts with existing data."""


class Changed(CoreError):
    """The document was changed since the caller read it."""


class TooLarge(CoreError):
    """A message does not fit into the transport format; ``size`` and ``limit`` are in bytes."""

    def __init__(self, detail: str, *, size: int, limit: int) -> None:
        super().__init__(detail)
        self.size = size
        self.limit = limit


class Gone(CoreError):
    """A cursor was not given here, or events after it have been deleted.

    ``oldest`` is the oldest cursor that can be used instead.
    """

    def __init__(self, detail: str, *, oldest: str) -> None:
        super().__init__(detail)
        self.oldest = oldest


class Unauthorized(CoreError):
    """The token of the caller was revoked while the request was being handled."""


class Unavailable(CoreError):
    """The daemon is stopping, or not ready yet."""
