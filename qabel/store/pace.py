"""How many rows to change in one transaction, so that nobody else has to wait for long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

TARGET = 0.03
"""Seconds that a transaction is to take."""

FIRST = 50
"""Rows in the first one: those of modules that hang on them may take a millisecond each."""

MOST = 2_000
"""Rows at most."""


@attrs.define(eq=False)
class Pace:
    """Measures transactions, and says how many rows the next one should have.

    Args:
        clock: returns seconds.
        target: seconds that a transaction is to take.
        first: rows in the first one.
        most: rows at most.

    """

    _clock: Callable[[], float] = time.monotonic
    target: float = attrs.field(factory=lambda: TARGET, kw_only=True)
    _first: int = attrs.field(factory=lambda: FIRST, kw_only=True)
    _most: int = attrs.field(factory=lambda: MOST, kw_only=True)
    size: int = attrs.field(init=False)
    """How many rows."""

    @size.default
    def _begin(self) -> int:
        return self._first

    @contextmanager
    def measured(self) -> Iterator[int]:
        """Measure what is done with ``size`` rows, which is the value."""
        size, started = self.size, self._clock()
        yield size
        self.note(size, self._clock() - started)

    def note(self, count: int, seconds: float) -> None:
        """Note how long it took to deal with some rows."""
        fits = self._most if seconds <= 0 else int(count * self.target / seconds)
        self.size = max(1, min(self._most, 2 * count, fits))
