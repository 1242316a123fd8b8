"""Work on many things where a part of the database is damaged: as much as possible is done."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from qabel.store.database.errors import Corrupt

T = TypeVar("T")
R = TypeVar("R")

MOST_FAILURES = 32
"""Failures after which the rest is given up: enough for a few things that cannot be done."""


async def in_halves(
    items: Sequence[T], work: Callable[[Sequence[T]], Awaitable[R]], failures: int = MOST_FAILURES
) -> list[R]:
    """Do something with all items but those for which a damaged page is needed.

    What fails is tried again in halves, so that a single item costs the others nothing.

    Args:
        items: at least one.
        work: does it with some of them, all or nothing; called with them in their order.
        failures: how often it may fail before the rest is given up.

    Returns:
        The results, in the order of the items.

    """
    results, waiting = list[R](), [items]
    while waiting and failures:
        some = waiting.pop()
        try:
            results.append(await work(some))
        except Corrupt:
            failures -= 1
            if len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
    return results
