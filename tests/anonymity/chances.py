"""Statistics of guesses: exact intervals, and permutation tests. Pure."""

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Label = TypeVar("Label")

CONFIDENCE = 0.999


def seeded(seed: object) -> random.Random:
    """Return what draws the same each time."""
    return random.Random(str(seed))  # noqa: S311 - it is to be repeated, not to be secret


def at_least(right: int, asked: int, chance: float) -> float:
    """Return the probability of so many right guesses or more, of so many, each by chance."""
    if right <= 0:
        return 1.0
    if chance <= 0.0:
        return 0.0
    if chance >= 1.0:
        return 1.0
    return min(1.0, math.fsum(_exactly(each, asked, chance) for each in range(right, asked + 1)))


def interval(right: int, asked: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval (Clopper and Pearson) of the probability of a right guess.

    With nothing asked, it is everything.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if right == 0 else _solve(lambda p: at_least(right, asked, p) >= tail)
    high = 1.0 if right == asked else _solve(lambda p: 1 - at_least(right + 1, asked, p) < tail)
    return low, high


def permutation(
    scores: Sequence[Sequence[float]],
    labels: Sequence[Sequence[bool]],
    rng: random.Random,
    rounds: int = 9999,
) -> float:
    """Return how probable it is by chance that the labelled scores are so high in all.

    Args:
        scores: of each of several trials.
        labels: which of the scores count, in each trial. They are permuted within the trial.
        rng: draws the permutations.
        rounds: how many permutations are drawn.

    """

    def total(some: Sequence[Sequence[bool]]) -> float:
        return math.fsum(
            score
            for trial, marks in zip(scores, some, strict=True)
            for score, is_marked in zip(trial, marks, strict=True)
            if is_marked
        )

    seen = total(labels)
    # The observed one is one of the permutations.
    as_high = 1 + sum(
        total([rng.sample(each, len(each)) for each in labels]) >= seen - 1e-9
        for _ in range(rounds)
    )
    return as_high / (rounds + 1)


def _exactly(right: int, asked: int, chance: float) -> float:
    ways = math.lgamma(asked + 1) - math.lgamma(right + 1) - math.lgamma(asked - right + 1)
    return math.exp(ways + right * math.log(chance) + (asked - right) * math.log1p(-chance))


def _solve(holds: Callable[[float], bool]) -> float:
    """Return where a condition begins to hold between 0 and 1, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2
