"""Material of runs that are made up."""

import random
from typing import Any

from tests.anonymity.recording import Exchange, Material, Posted, View

DAEMONS = 20

DROPS = {f"{number}{letter}": number for number in range(DAEMONS) for letter in "ab"}
"""All drops, each with its daemon."""


def clock(rng: random.Random, end: float, interval: float = 2.0) -> list[float]:
    """Return the times of a clock of its own."""
    time, found = rng.uniform(0, interval), []
    while time < end:
        found.append(time)
        time += interval / 2 + rng.expovariate(2 / interval)
    return found


def reads(rng: random.Random, end: float) -> list[Exchange]:
    """Return reads of all drops by clocks and connections of their own."""
    return [
        Exchange(number, "GET", drop, time, time + 0.01, 304)
        for number, drop in enumerate(DROPS)
        for time in clock(rng, end)
    ]


def material(exchanges: list[Exchange], posted: list[Posted], **more: Any) -> Material:
    """Return the material of a run of 100 seconds."""
    view = View.of([*exchanges, *(each.exchange for each in posted)], DROPS)
    given: dict[str, Any] = {"traffic": (0.0, 100.0), **more}
    return Material(view=view, posted=tuple(posted), daemon_of=DROPS, **given)
