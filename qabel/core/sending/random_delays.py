"""Random delays, so that nobody sees in the times of several queues that they learned the same."""

import math
from collections.abc import Callable
from random import SystemRandom
from typing import TypeAlias

Draw: TypeAlias = Callable[[], float]
"""Returns a random number in [0, 1)."""

draw: Draw = SystemRandom().random
"""The one that is used: of one that can be predicted, a server could see more than one delay."""


def exponential(mean: float, draw: Draw = draw) -> float:
    """Return a delay that is as likely to end in any moment as in any other, however old it is.

    Args:
        mean: seconds.
        draw: returns a random number in [0, 1).

    """
    return -mean * math.log(1.0 - draw())
