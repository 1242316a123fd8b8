"""Errors in input, each with the key at which it was found."""

from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import TypeVar

import attrs

MAX_ERRORS = 1000
"""Errors of one input that are listed; of the rest only the number is stated."""

MAX_NAME = 100
"""Characters of a name from the input that an error's key shows."""

_V = TypeVar("_V")
_W = TypeVar("_W")


class ErrorKind(Enum):
    """What is wrong at a key."""

    VALUE = "value"
    MISSING = "missing"
    UNKNOWN = "unknown"


@attrs.frozen
class FieldError:
    """One error: the key at which it is, and what is wrong there.

    ``key`` is dotted, and empty for the input as a whole. An item without a valid id is named by
    its position, as in ``contacts[0].alias``. ``detail`` completes a sentence that begins with the
    key, such as "must be a string"; it never quotes the value, which may be secret. ``known`` are
    the names that an unknown key could have had.
    """

    key: str
    detail: str
    kind: ErrorKind = ErrorKind.VALUE
    known: tuple[str, ...] = ()

    @classmethod
    def missing(cls, key: str) -> "FieldError":
        """Return the error for a required key that is missing."""
        return cls(key, "is required", ErrorKind.MISSING)

    @classmethod
    def unknown(cls, key: str, known: Iterable[str]) -> "FieldError":
        """Return the error for an unknown key, which may be a misspelling of a known one."""
        names = tuple(known)
        hint = f"known keys: {', '.join(names)}" if names else "no keys are allowed here"
        return cls(key, f"unknown key; {hint}", ErrorKind.UNKNOWN, names)

    def under(self, key: str) -> "FieldError":
        """Return the same error for input that has this one's at ``key``."""
        return attrs.evolve(self, key=join_keys(key, self.key))

    def __str__(self) -> str:
        return f"{self.key}: {self.detail}" if self.key else self.detail


class InvalidInput(ValueError):
    """The input is not valid; ``errors`` is everything that is wrong with it."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors[:10])))


class UnknownKey(LookupError):
    """No document of this type has a value at the dotted key."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(f"{key}: {detail}")
        self.key = key
        self.detail = detail


def invalid(detail: str) -> InvalidInput:
    """Return the exception for a value that is wrong as a whole."""
    return InvalidInput([FieldError("", detail)])


def join_keys(outer: str, inner: str) -> str:
    """Return the key that leads to ``outer`` and from there to ``inner``; either may be empty."""
    return f"{outer}.{inner}" if outer and inner and not inner.startswith("[") else outer + inner


def shorten_name(name: object) -> str:
    """Return a name from the input so that it can stand in an error's key.

    Long names are cut, and what is not valid Unicode is replaced. A name that is not a string,
    which JSON does not have, is represented by its type.
    """
    text = name if isinstance(name, str) else type(name).__name__
    text = text.encode(errors="replace").decode()
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"


@attrs.define(eq=False)
class Errors:
    """Collects all errors of one input.

    ``under`` returns a collector for a part of the input; its errors are added to the same list.
    """

    _found: list[FieldError] = attrs.field(factory=list)
    _key: str = ""

    def __bool__(self) -> bool:
        return bool(self._found)

    def under(self, key: str) -> "Errors":
        """Return the collector for the value at ``key``."""
        return Errors(self._found, join_keys(self._key, key))

    def add(self, key: str, detail: str) -> None:
        """Add an error of the value at ``key``."""
        self._add(FieldError(key, detail))

    def add_missing(self, key: str) -> None:
        """Add the error for a required key that is missing."""
        self._add(FieldError.missing(key))

    def add_unknown(self, name: object, known: Collection[str]) -> None:
        """Add the error for a key that is none of the known ones."""
        self._add(FieldError.unknown(shorten_name(name), known))

    def catch(self, key: str, read: Callable[[object], _V], value: object, default: _W) -> _V | _W:
        """Return ``read(value)``, or add its errors under ``key`` and return the default."""
        try:
            return read(value)
        except InvalidInput as invalid_input:
            for error in invalid_input.errors:
                self._add(error.under(key))
            return default

    def has(self, key: str) -> bool:
        """Return whether there is an error at ``key`` or below."""
        whole = join_keys(self._key, key)
        return any(
            each.key == whole or each.key.startswith((f"{whole}.", f"{whole}["))
            for each in self._found
        )

    def as_exception(self) -> InvalidInput:
        """Return the exception for these errors; there must be one at least."""
        more = len(self._found) - MAX_ERRORS
        rest = [FieldError("", f"and {more} more errors")] if more > 0 else []
        return InvalidInput([*self._found[:MAX_ERRORS], *rest])

    def raise_any(self) -> None:
        """Raise InvalidInput if there is any error."""
        if self._found:
            raise self.as_exception()

    def _add(self, error: FieldError) -> None:
        self._found.append(error.under(self._key))
