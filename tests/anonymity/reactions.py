"""Guesses whose drops react when a server treats other drops badly. Pure."""

import random
import statistics
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from tests.anonymity.chances import permutation
from tests.anonymity.recording import PUSH, READS, Material, Provocation, View
from tests.anonymity.rows import Row

FLOOR = 0.25
"""The least standard deviation that a figure is taken to have."""

SOON = 0.05
"""Seconds in which a request follows on a bad response, and may be caused by it."""

Figures = tuple[float, ...]


def rows(run: str, material: Material, rng: random.Random) -> Iterator[Row]:
    """Yield a row for each way in which drops were treated badly."""
    for kind in sorted({each.kind for each in material.provocations}):
        right = asked = candidates = 0
        values, labels = [], []
        trials = [each for each in material.provocations if each.kind == kind]
        for each, found in zip(trials, scores(material.view, trials), strict=True):
            drops = [*each.suspects, *each.others]
            named = choose(drops, found, len(each.suspects), rng)
            right += len(set(each.suspects) & set(named))
            asked += len(each.suspects)
            candidates += len(drops)
            values.append(found)
            labels.append([drop in each.suspects for drop in drops])
        probability = permutation(values, labels, rng)
        yield Row(
            run,
            "which drops react?",
            kind,
            right,
            asked,
            chance=asked / candidates,
            probability=probability,
            detail=f"p = {probability:.4f}",
        )


def scores(view: View, trials: Sequence[Provocation]) -> list[list[float]]:
    """Return how unusual the requests of each suspect, and of each other drop, are in each trial.

    Of several figures, the most unusual one counts. What is usual is what they were before.
    """
    before = [
        figures
        for each in trials
        for figures in _figures(view, each, 2 * each.start - each.end, each.start)
    ]
    usual = [
        (statistics.mean(some), max(FLOOR, statistics.pstdev(some)))
        for some in zip(*before, strict=True)
    ]
    return [
        [
            max(
                abs(figure - mean) / deviation
                for figure, (mean, deviation) in zip(figures, usual, strict=True)
            )
            for figures in _figures(view, each, each.start, each.end)
        ]
        for each in trials
    ]


def choose(
    candidates: Sequence[str], values: Sequence[float], count: int, rng: random.Random
) -> Collection[str]:
    """Return the candidates with the highest scores; at random, where they are equal."""
    ranked = sorted(zip(candidates, values, strict=True), key=lambda pair: (-pair[1], rng.random()))
    return {each for each, _ in ranked[:count]}


def _figures(view: View, trial: Provocation, start: float, end: float) -> Iterator[Figures]:
    """Yield the figures of each suspect and each other drop in some time.

    They are the number of reads, the longest pause between them, the number of reads that follow
    on those of the victims, and the number of WebSockets.
    """
    part = view.between(start, end)
    reads, pushes = part.times(*READS), part.times(PUSH)
    victims = sorted(
        each.over for each in part.exchanges if each.drop in trial.victims and each.method != "POST"
    )
    for drop in (*trial.suspects, *trial.others):
        times = reads[drop]
        pause = max(later - sooner for sooner, later in pairwise([start, *sorted(times), end]))
        following = sum(_follows(time, victims) for time in times)
        yield float(len(times)), pause, float(following), float(len(pushes[drop]))


def _follows(time: float, victims: Sequence[float]) -> bool:
    number = bisect_right(victims, time)
    return number > 0 and time - victims[number - 1] < SOON
