"""Guesses which drops belong together: each names the presumable other one, or None. Pure."""

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.anonymity.recording import View

REACH = 2.0
"""Seconds between two times that are compared at most."""

BINS = (0.005, 0.02, 0.1, 0.5)
"""Widths in seconds of the bins into which differences of times are sorted."""

LEAST = 3
"""Differences in a bin that say anything."""


def by_connection(view: View, drop: str, rng: random.Random) -> str | None:
    """Name the drop that shared most connections with a drop."""
    shared: Counter[str] = Counter()
    for drops in view.drops_of.values():
        if drop in drops:
            shared.update(each for each in drops if each != drop)
    return _best({each: float(count) for each, count in shared.items()}, rng)


def by_nearness(times: Mapping[str, Sequence[float]], drop: str, rng: random.Random) -> str | None:
    """Name the drop whose times are nearest on average, as those of a common tick are."""
    mine = times[drop]
    scores = {
        each: sum(_nearness(time, theirs) for time in mine)
        for each in times
        if each != drop and mine and (theirs := sorted(times[each]))
    }
    return _best(scores, rng)


def by_distance(times: Mapping[str, Sequence[float]], drop: str, rng: random.Random) -> str | None:
    """Name the drop whose times come at the same distance most often.

    Clocks that go exactly alike all do, so that this finds only what clocks with random intervals
    have in common.
    """
    scores = {
        each: score
        for each in times
        if each != drop and (score := correlation(times[drop], times[each])) > 0
    }
    return _best(scores, rng)


def by_rounds(rounds: Iterable[Mapping[str, float]], drop: str, rng: random.Random) -> str | None:
    """Name the drop whose time was near in each of several rounds, as after outages."""
    near: dict[str, list[float]] = {}
    for times in rounds:
        if drop in times:
            for each in times.keys() - {drop}:
                near.setdefault(each, []).append(_nearness(times[drop], [times[each]]))
    return _best({each: sum(some) / len(some) for each, some in near.items()}, rng)


def correlation(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return how unlike chance it is how often two series of times have the same distance.

    That is the number in the fullest bin, in standard deviations above the mean of all, of the
    width that shows it best. 0 if there is too little to say anything.
    """
    lags = _lags(mine, theirs)
    return max((_peak(lags, width) for width in BINS), default=0.0)


def _peak(lags: Sequence[float], width: float) -> float:
    expected = len(lags) * width / (2 * REACH)
    # Shifted by half a bin too, so that no peak is divided between two of them.
    counts = [
        count
        for shift in (0.0, 0.5)
        for count in Counter(math.floor(lag / width + shift) for lag in lags).values()
    ]
    most = max(counts, default=0)
    return 0.0 if most < LEAST else (most - expected) / math.sqrt(expected + 1)


def _nearness(time: float, theirs: Sequence[float]) -> float:
    """Return how near the nearest of some sorted times is."""
    number = bisect_left(theirs, time)
    distance = min(abs(each - time) for each in theirs[max(0, number - 1) : number + 1])
    return -math.log(distance + 0.001)


def _lags(mine: Sequence[float], theirs: Sequence[float]) -> list[float]:
    theirs = sorted(theirs)
    found = []
    for time in mine:
        number = bisect_left(theirs, time - REACH)
        while number < len(theirs) and theirs[number] < time + REACH:
            found.append(theirs[number] - time)
            number += 1
    return found


def _best(scores: Mapping[str, float], rng: random.Random) -> str | None:
    """Return the one with the highest score; one at random, if there are several."""
    if not scores:
        return None
    highest = max(scores.values())
    return rng.choice([each for each in sorted(scores) if scores[each] == highest])
