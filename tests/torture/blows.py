"""What is done to whom, and when: all of it follows from the seed."""

import random

from attrs import frozen

KINDS_OF_VICTIMS = {"daemon": 7, "server": 3, "reader": 6, "receiver": 2, "sender": 3}
"""How often each kind of process is hit, in relation to the others."""

FREEZES = 0.25
"""The part of blows that freeze before they kill."""

FILLS = 0.06
"""The part of blows with a full disk."""

DAMAGES = 0.04
"""The part of blows that are followed by the rescue of a damaged copy."""


@frozen
class Blow:
    """Something bad that happens to a process, which always ends with its kill."""

    pause: float
    """Seconds before it."""
    kind: str
    """Of the victim."""
    which: int
    """The number of the victim among those of its kind, modulo how many there are."""
    freeze: float = 0.0
    """Seconds for which it is frozen first."""
    fill: float = 0.0
    """Seconds for which its disk is full; the kill is in the middle."""
    damage: int | None = None
    """The seed of the damage to a copy of its data, if any."""


def plan(seed: int, kills: int, *, damages: bool) -> list[Blow]:
    """Return so many blows; in a long run each kind of them is among the first."""
    dice = random.Random(seed)  # noqa: S311 - it is to be repeatable
    return [_blow(dice, number, damages=damages) for number in range(kills)]


def _blow(dice: random.Random, number: int, *, damages: bool) -> Blow:
    kinds, weights = list(KINDS_OF_VICTIMS), list(KINDS_OF_VICTIMS.values())
    pause, [kind], which = dice.uniform(0.05, 1.0), dice.choices(kinds, weights), dice.randrange(60)
    freeze = dice.uniform(0.1, 3.0) if dice.random() < FREEZES else 0.0
    is_fill = dice.random() < FILLS or number in (6, 15)
    is_damage = dice.random() < DAMAGES or number in (9, 25)
    fill = dice.uniform(1.0, 4.0) if is_fill else 0.0
    damage = dice.randrange(2**31) if is_damage and damages else None
    if fill:
        kind = "server" if number == 15 else dice.choice(["daemon", "daemon", "server"])
    elif damage is not None:
        kind = "daemon"
    if kind != "daemon":
        damage = None
    return Blow(pause, kind, which, freeze, fill, damage)
