"""What can be wrong with a settings document, and where."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

MAX_FAULTS = 1000
"""So many faults of one document are told one by one."""

MAX_NAME = 100
"""Characters of a name that somebody made up, as far as they are shown in a fault's place."""

_V = TypeVar("_V")
_W = TypeVar("_W")


@attrs.frozen
class Fault:
    """One thing that is wrong: its place in the document, as a dotted path, and what it is.

    An item without a valid id is named by its position, as in ``contacts[0].alias``. The detail
    never quotes a value.
    """

    key: str
    detail: str

    def under(self, name: str) -> "Fault":
        """Give the same fault as seen from one level further up."""
        return Fault(join(name, self.key), self.detail)


class InvalidDocument(ValueError):
    """A document, or a part of one, that is not valid; ``faults`` is everything that is wrong."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{each.key}: {each.detail}" for each in self.faults[:10]))


class UnknownKey(LookupError):
    """A dotted key that leads to no place in the document's shape."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(f"{key}: {detail}")
        self.key = key
        self.detail = detail


def wrong(detail: str) -> InvalidDocument:
    """Make the error for a value that is wrong as a whole."""
    return InvalidDocument([Fault("", detail)])


def join(outer: str, inner: str) -> str:
    """Put two parts of a place together."""
    return f"{outer}.{inner}" if outer and inner and not inner.startswith("[") else outer + inner


def shown(name: object) -> str:
    """Give a name that somebody made up, as it may stand in a fault's place."""
    text = name if isinstance(name, str) else type(name).__name__
    text = text.encode(errors="replace").decode()
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"


class Faults:
    """Collects what is wrong in one part of a document, all of it."""

    def __init__(self, found: list[Fault] | None = None, place: str = "") -> None:
        self._found: list[Fault] = [] if found is None else found
        self._place = place

    def __bool__(self) -> bool:
        return bool(self._found)

    def under(self, name: str) -> "Faults":
        """Give the collector for a part of this part."""
        return Faults(self._found, join(self._place, name))

    def add(self, name: str, detail: str) -> None:
        """Note that something is wrong at ``name``."""
        self._found.append(Fault(join(self._place, name), detail))

    def catch(self, name: str, read: Callable[[object], _V], value: object, instead: _W) -> _V | _W:
        """Give what ``read`` makes of the value, or ``instead``, and the faults noted."""
        try:
            return read(value)
        except InvalidDocument as error:
            place = join(self._place, name)
            self._found.extend(each.under(place) for each in error.faults)
            return instead

    def has(self, name: str) -> bool:
        """Tell whether something is wrong at ``name`` or below."""
        place = join(self._place, name)
        return any(
            each.key == place or each.key.startswith((f"{place}.", f"{place}["))
            for each in self._found
        )

    def error(self) -> InvalidDocument:
        """Give what is wrong as an error to raise."""
        more = len(self._found) - MAX_FAULTS
        rest = [Fault("", f"and {more} more faults")] if more > 0 else []
        return InvalidDocument([*self._found[:MAX_FAULTS], *rest])

    def raise_any(self) -> None:
        """Raise InvalidDocument if anything is wrong."""
        if self._found:
            raise self.error()
