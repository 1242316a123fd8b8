"""Values of the drops or sources that were last asked for: what is in memory is bounded."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

MOST = 20_000
"""Keys that are remembered, unless it is said otherwise."""

V = TypeVar("V")


@define(eq=False)
class Remembered(Generic[V]):
    """A value for each of some keys: hashes of drops, or sources."""

    _most: int = MOST
    _values: OrderedDict[bytes, V] = field(factory=OrderedDict, init=False)
    """Those that were asked for last are at the end."""

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._values)

    def find(self, key: bytes, make: Callable[[bytes], V]) -> V:
        """Return the value of a key, which is made if it is not known. Raises what that does."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make(key)
        self.note(key, value)
        return value

    def known(self, key: bytes) -> V | None:
        """Return the value of a key; None if it is not known."""
        return self._values.get(key)

    def note(self, key: bytes, value: V) -> None:
        """Remember the value of a key."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def change(self, key: bytes, change: Callable[[V], V]) -> None:
        """Change the value of a key, if it is known."""
        if key in self._values:
            self._values[key] = change(self._values[key])

    def forget(self, key: bytes) -> None:
        """Forget the value of a key."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
