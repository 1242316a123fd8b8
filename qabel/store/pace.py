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

    """

    _clock: Callable[[], float] = time.monotonic
    size: int = attrs.field(factory=lambda: FIRST, init=False)
    """How many rows."""

    @contextmanager
    def measured(self) -> Iterator[int]:
        """Measure what is done with ``size`` rows, which is the value."""
        size, started = self.size, self._clock()
        yield size
        seconds = self._clock() - started
        fits = MOST if seconds <= 0 else int(size * TARGET / seconds)
        self.size = max(1, min(MOST, 2 * size, fits))
