"""How benchmarks measure: pairs of runs in turn, so that a noisy machine disturbs both alike."""

import statistics
import time
from collections.abc import Callable

from attrs import frozen


@frozen
class Row:
    """One line of the table."""

    what: str
    against: str
    ratio: float
    wanted: str
    """The bound on the ratio, as ``>= 0.8`` or ``<= 1.5``."""
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the ratio keeps its bound."""
        sign, bound = self.wanted.split()
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Give the median of their time over ours: above 1 is faster than they are."""
    ours()
    theirs()
    ratios = []
    for number in range(rounds):
        # Whoever comes second finds warmer caches: they take turns.
        if number % 2:
            first, second = seconds(ours), seconds(theirs)
        else:
            second, first = seconds(theirs), seconds(ours)
        ratios.append(second / first)
    return statistics.median(ratios)
