"""Guesses whose drops react, of runs that are made up."""

import random

from tests.anonymity import reactions
from tests.anonymity.chances import seeded
from tests.anonymity.made_up import DROPS, material, reads
from tests.anonymity.recording import PUSH, Exchange, Material, Provocation, View
from tests.anonymity.rows import Row

ROUNDS = 4


def provocations(rng: random.Random) -> list[Provocation]:
    """Return provocations of 12 seconds each, of three daemons of which another drop may react."""
    found = []
    for number in range(ROUNDS):
        daemons = rng.sample(range(20), 8)
        start = 20.0 + 30 * number
        found.append(
            Provocation(
                "503",
                frozenset(f"{each}a" for each in daemons[:3]),
                tuple(f"{each}b" for each in daemons[:3]),
                tuple(f"{each}{letter}" for each in daemons[3:] for letter in "ab"),
                start,
                start + 12,
            )
        )
    return found


def row(made: Material) -> Row:
    """Return the only row."""
    [found] = reactions.rows("run", made, seeded(1))
    return found


def during(each: Exchange, some: list[Provocation]) -> Provocation | None:
    """Return the provocation in which a drop that may react was requested."""
    return next(
        (p for p in some if each.drop in p.suspects and p.start <= each.began < p.end), None
    )


def during_trial(each: Exchange, trial: Provocation) -> bool:
    """Return whether a request was made in the time of a provocation."""
    return trial.start <= each.began < trial.end


def test_pauses_are_found() -> None:
    """Drops that pause while the other drop of their daemon is refused are named."""
    rng = seeded(1)
    some = provocations(rng)
    exchanges = [each for each in reads(rng, 150) if during(each, some) is None]
    found = row(material(exchanges, [], provocations=tuple(some)))
    assert found.breaks
    assert found.right == found.asked == 3 * ROUNDS


def test_bursts_are_found() -> None:
    """Drops that are read more often meanwhile are named."""
    rng = seeded(2)
    some = provocations(rng)
    exchanges = reads(rng, 150)
    exchanges += [
        Exchange(each.connection, "GET", each.drop, each.began + 0.1)
        for each in exchanges
        if during(each, some)
    ]
    assert row(material(exchanges, [], provocations=tuple(some))).breaks


def test_reads_in_answer_are_found() -> None:
    """Drops of which some reads follow on refused ones are named, though not more are made."""
    rng = seeded(6)
    some = provocations(rng)
    exchanges = reads(rng, 150)
    for trial in some:
        for drop in trial.suspects:
            bad = [e for e in exchanges if e.drop == drop[:-1] + "a" and during_trial(e, trial)]
            mine = [e for e in exchanges if e.drop == drop and during_trial(e, trial)]
            for each, cause in zip(mine, bad, strict=False):
                each.began = cause.over + 0.005
    assert row(material(exchanges, [], provocations=tuple(some))).breaks


def test_connecting_again_is_found() -> None:
    """Drops whose WebSockets are opened anew meanwhile are named, where no other's are."""
    rng = seeded(3)
    some = provocations(rng)
    exchanges = [
        Exchange(1000, PUSH, drop, each.start + 3) for each in some for drop in each.suspects
    ]
    found = row(material(exchanges, [], provocations=tuple(some)))
    assert found.right == found.asked


def test_no_reaction_is_not_found() -> None:
    """Drops that go on as before are named by chance only."""
    rng = seeded(4)
    some = provocations(rng)
    assert not row(material(reads(rng, 150), [], provocations=tuple(some))).breaks


def test_all_silent_drops_are_alike() -> None:
    """Without any request, every drop has the same score, and the choice is random."""
    [first, *_] = provocations(seeded(5))
    [found] = reactions.scores(View.of([], DROPS), [first])
    candidates = [*first.suspects, *first.others]
    assert set(found) == {0.0}
    choices = {tuple(sorted(reactions.choose(candidates, found, 3, seeded(n)))) for n in range(9)}
    assert len(choices) > 1
