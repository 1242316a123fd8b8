"""Reading what is stored, which older versions may have written under wider rules.

What is refused from clients today must not keep a daemon from starting with its own database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs

from qabel.crypto import KEY_SIZE, PublicKey
from qabel.jsontext import MAX_DIGITS

STORED_DIGITS = 309
"""Digits that a number in a stored document may have, as older versions accepted."""

_IS_STORED = ContextVar("_IS_STORED", default=False)


@contextmanager
def reading_stored() -> Iterator[None]:
    """Return a context within which forms also read what older versions have stored."""
    token = _IS_STORED.set(True)
    try:
        yield
    finally:
        _IS_STORED.reset(token)


def is_stored() -> bool:
    """Return whether what is read now is stored, and not from a client."""
    return _IS_STORED.get()


def digits() -> int:
    """Return how many digits a number may have in what is read now."""
    return STORED_DIGITS if is_stored() else MAX_DIGITS


@attrs.frozen(repr=False)
class UnusableKey(PublicKey):
    """A key that is not canonical, in a contact that an older version stored.

    It equals no other key, and nothing can be sealed for it: its owner could not open that.
    """

    raw: bytes = attrs.field(validator=[attrs.validators.min_len(KEY_SIZE)])

    def __repr__(self) -> str:
        return f"<UnusableKey {self.hex[:8]}…>"
