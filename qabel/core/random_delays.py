"""Random delays: nobody sees in the times of several requests what they have in common."""

import math
from collections.abc import Callable
from random import SystemRandom
from typing import TypeAlias

Draw: TypeAlias = Callable[[], float]
"""Returns a random number in [0, 1)."""

draw_securely: Draw = SystemRandom().random
"""Draws from the operating system. From the times of many requests, a server could compute the
state of Python's own generator, and so predict all others."""


def exponential(mean: float, draw: Draw = draw_securely) -> float:
    """Return a delay that is as likely to end in any moment as in any other, however old it is.

    Args:
        mean: seconds.
        draw: returns a random number in [0, 1).

    """
    return -mean * math.log1p(-draw())
