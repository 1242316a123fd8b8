"""What is known of drops without reading the file: how many messages they have, and the newest.

Most questions are after nothing new. A look into the file takes them longer than it seems, as the
interpreter's lock is given away for it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

MOST = 20_000
"""Drops that are remembered."""

V = TypeVar("V")


@define(eq=False)
class Remembered(Generic[V]):
    """A value for each of the drops, given by their hashes, that were last asked for."""

    _most: int = MOST
    _values: OrderedDict[bytes, V] = field(factory=OrderedDict, init=False)

    def find(self, place: bytes, read: Callable[[bytes], V]) -> V:
        """Return the value of a drop, which is read if it is not known. Raises what that does."""
        if place in self._values:
            self._values.move_to_end(place)
            return self._values[place]
        value = read(place)
        self.note(place, value)
        return value

    def note(self, place: bytes, value: V) -> None:
        """Remember the value of a drop."""
        self._values[place] = value
        self._values.move_to_end(place)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def change(self, place: bytes, change: Callable[[V], V]) -> None:
        """Change the value of a drop, if it is known."""
        if place in self._values:
            self._values[place] = change(self._values[place])

    def forget(self, place: bytes) -> None:
        """Forget the value of a drop."""
        self._values.pop(place, None)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
