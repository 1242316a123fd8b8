"""Measuring: runs of both sides alternate, so that a noisy machine disturbs both alike."""

import statistics
import time
from collections.abc import Callable

from attrs import frozen


@frozen
class Row:
    """One row of the table."""

    what: str
    against: str
    ratio: float
    wanted: str
    """The bound on the ratio, as ``>= 0.8`` or ``<= 1.5``."""
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        sign, bound = self.wanted.split()
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Return the median of their time divided by ours: above 1, ours is faster."""
    ours()
    theirs()
    ratios = []
    for number in range(rounds):
        # The second one finds warmer caches, so they take turns.
        if number % 2:
            first, second = seconds(ours), seconds(theirs)
        else:
            second, first = seconds(theirs), seconds(ours)
        ratios.append(second / first)
    return statistics.median(ratios)
