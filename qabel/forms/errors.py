"""What can be wrong with input, and where."""

from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import TypeVar

import attrs

MAX_ERRORS = 1000
"""So many errors of one input are told one by one."""

MAX_NAME = 100
"""Characters of a name that somebody made up, as far as they are shown in an error's key."""

_V = TypeVar("_V")
_W = TypeVar("_W")


class Wrong(Enum):
    """What kind of thing is wrong."""

    VALUE = "value"
    MISSING = "missing"
    UNKNOWN = "unknown"


@attrs.frozen
class FieldError:
    """One thing that is wrong: its place in the input, as a dotted key, and what it is.

    An item without a valid id is named by its position, as in ``contacts[0].alias``. The detail
    says what the value must be, and never quotes it.
    """

    key: str
    detail: str
    kind: Wrong = Wrong.VALUE

    def under(self, name: str) -> "FieldError":
        """Return the same error as seen from one level further up."""
        return attrs.evolve(self, key=join(name, self.key))

    def __str__(self) -> str:
        return f"{self.key}: {self.detail}" if self.key else self.detail


class InvalidInput(ValueError):
    """Input, or a part of it, that is not valid; ``errors`` is everything that is wrong."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors[:10])))


class UnknownKey(LookupError):
    """A dotted key that leads to no place in the document's shape."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(f"{key}: {detail}")
        self.key = key
        self.detail = detail


def invalid(detail: str) -> InvalidInput:
    """Return the error for a value that is wrong as a whole."""
    return InvalidInput([FieldError("", detail)])


def join(outer: str, inner: str) -> str:
    """Join two parts of a key."""
    return f"{outer}.{inner}" if outer and inner and not inner.startswith("[") else outer + inner


def shown(name: object) -> str:
    """Return a name that somebody made up, as it may stand in an error's key."""
    text = name if isinstance(name, str) else type(name).__name__
    text = text.encode(errors="replace").decode()
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"


class Errors:
    """Collects what is wrong in one part of the input, all of it."""

    def __init__(self, found: list[FieldError] | None = None, place: str = "") -> None:
        self._found: list[FieldError] = [] if found is None else found
        self._place = place

    def __bool__(self) -> bool:
        return bool(self._found)

    def under(self, name: str) -> "Errors":
        """Return the collector for a part of this part."""
        return Errors(self._found, join(self._place, name))

    def add(self, name: str, detail: str) -> None:
        """Note that the value at ``name`` is wrong."""
        self._add(name, detail, Wrong.VALUE)

    def add_missing(self, name: str) -> None:
        """Note that a required key is missing."""
        self._add(name, "is required", Wrong.MISSING)

    def add_unknown(self, name: object, known: Collection[str]) -> None:
        """Note a key that there is not."""
        names = f"known keys: {', '.join(known)}" if known else "there are no keys here"
        self._add(shown(name), f"unknown key; {names}", Wrong.UNKNOWN)

    def catch(self, name: str, read: Callable[[object], _V], value: object, instead: _W) -> _V | _W:
        """Return what ``read`` makes of the value, or ``instead`` with the errors noted."""
        try:
            return read(value)
        except InvalidInput as error:
            place = join(self._place, name)
            self._found.extend(each.under(place) for each in error.errors)
            return instead

    def has(self, name: str) -> bool:
        """Return whether something is wrong at ``name`` or below."""
        place = join(self._place, name)
        return any(
            each.key == place or each.key.startswith((f"{place}.", f"{place}["))
            for each in self._found
        )

    def as_error(self) -> InvalidInput:
        """Return what is wrong as an error to raise."""
        more = len(self._found) - MAX_ERRORS
        rest = [FieldError("", f"and {more} more errors")] if more > 0 else []
        return InvalidInput([*self._found[:MAX_ERRORS], *rest])

    def raise_any(self) -> None:
        """Raise InvalidInput if anything is wrong."""
        if self._found:
            raise self.as_error()

    def _add(self, name: str, detail: str, kind: Wrong) -> None:
        self._found.append(FieldError(join(self._place, name), detail, kind))
