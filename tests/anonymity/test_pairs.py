"""Guesses which drops belong together, of recordings that are made up."""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.anonymity import pairs
from tests.anonymity.chances import interval, seeded
from tests.anonymity.recording import Exchange, View

DAEMONS = 20
SECONDS = 140.0
INTERVAL = 2.0

Guess = Callable[[dict[str, list[float]], str, random.Random], str | None]


def drops() -> Iterator[tuple[str, str]]:
    """Yield the two drops of each daemon."""
    for number in range(DAEMONS):
        yield f"{number}a", f"{number}b"


def own_clock(rng: random.Random) -> list[float]:
    """Return the times of a drop with a clock of its own: half the interval, and a draw."""
    time, found = rng.uniform(0, INTERVAL), []
    while time < SECONDS:
        found.append(time)
        time += INTERVAL / 2 + rng.expovariate(2 / INTERVAL)
    return found


def right(guess: Guess, times: dict[str, list[float]], rng: random.Random) -> int:
    """Return how often the other drop of a daemon is named."""
    return sum(guess(times, one, rng) == other for one, other in drops())


def test_a_common_tick_is_found() -> None:
    """Drops that are read one after the other at each tick are found."""
    rng, times = seeded(1), {}
    for one, other in drops():
        ticks = own_clock(rng)
        times[one] = ticks
        times[other] = [each + 0.0006 + rng.uniform(0, 0.002) for each in ticks]
    assert right(pairs.by_nearness, times, rng) == DAEMONS
    assert right(pairs.by_distance, times, rng) == DAEMONS


def test_clocks_that_go_exactly_alike_differ_in_their_distance() -> None:
    """With constant intervals, only the drops of one daemon are read near each other."""
    times = {}
    for number, (one, other) in enumerate(drops()):
        times[one] = [number / 10 + INTERVAL * each for each in range(70)]
        times[other] = [each + 0.0006 for each in times[one]]
    assert right(pairs.by_nearness, times, seeded(1)) == DAEMONS


def test_a_constant_distance_is_found() -> None:
    """Drops that are read at a constant distance are found, though never at the same time."""
    rng, times = seeded(2), {}
    for one, other in drops():
        ticks, distance = own_clock(rng), rng.uniform(0.2, 1.5)
        times[one] = ticks
        times[other] = [each + distance + rng.gauss(0, 0.003) for each in ticks]
    assert right(pairs.by_distance, times, rng) == DAEMONS


def test_a_loose_reaction_is_found() -> None:
    """Drops that are read within a third of a second of each other are found mostly."""
    rng, times = seeded(3), {}
    for one, other in drops():
        ticks = own_clock(rng)
        times[one] = ticks
        times[other] = [each + rng.uniform(0, 0.3) for each in ticks]
    assert right(pairs.by_distance, times, rng) > DAEMONS * 0.8


@pytest.mark.parametrize("guess", [pairs.by_nearness, pairs.by_distance])
def test_independent_clocks_are_not_found(guess: Guess) -> None:
    """Drops with clocks of their own are named by chance only."""
    rng = seeded(4)
    found = sum(
        right(guess, {each: own_clock(rng) for pair in drops() for each in pair}, rng)
        for _ in range(5)
    )
    assert interval(found, 5 * DAEMONS)[0] <= 1 / (2 * DAEMONS - 1)


def test_too_few_times_say_nothing() -> None:
    """Of drops that were hardly read, none is named."""
    times = {"a": [1.0], "b": [1.0], "c": []}
    assert pairs.by_distance(times, "a", seeded(1)) is None
    assert pairs.by_nearness(times, "c", seeded(1)) is None


def test_connections_that_two_drops_share() -> None:
    """The drop that shared most connections is named; none, if it shared none."""
    exchanges = [
        Exchange(number, "GET", drop, float(number))
        for number, some in enumerate(("ab", "ab", "ac", "d"))
        for drop in some
    ]
    view = View.of(exchanges, "abcd")
    assert pairs.by_connection(view, "a", seeded(1)) == "b"
    assert pairs.by_connection(view, "d", seeded(1)) is None


def test_who_comes_back_together_time_and_again() -> None:
    """The drop whose time is near in most rounds is named, not one that was near once."""
    rounds = [
        {"a": 1.0, "b": 1.02, "c": 5.0, "d": 1.0},
        {"a": 9.0, "b": 9.01, "c": 5.0, "d": 2.0},
        {"a": 3.0, "b": 3.03, "c": 5.0, "d": 7.0},
    ]
    assert pairs.by_rounds(rounds, "a", seeded(1)) == "b"
    assert pairs.by_rounds(rounds, "x", seeded(1)) is None
