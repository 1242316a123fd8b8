"""Chooses which drops a server treats badly, and which ones may react to that. Pure."""

import random
from collections.abc import Collection, Mapping, Sequence

from attrs import define, field

from tests.anonymity.recorder import REFUSED
from tests.anonymity.recording import Provocation


@define(eq=False)
class Victims:
    """Who is treated badly at a time, each drop in one way.

    The drops of a quarter of the daemons are left alone, so that others can be compared with them.
    """

    reading: dict[str, str] = field(factory=dict)
    """The drops of which reading is treated badly, and how."""
    senders: list[str] = field(factory=list)
    """The drops of those whose postings are refused, by refusing all postings to a contact."""
    suspects: dict[str, list[str]] = field(factory=dict)
    """The drops that may react, by the way in which others are treated."""
    others: list[str] = field(factory=list)

    @classmethod
    def choose(
        cls,
        drops_of: Mapping[int, Sequence[str]],
        kinds: Sequence[str],
        number: int,
        rng: random.Random,
    ) -> "Victims":
        """Choose at random.

        Args:
            drops_of: the two drops of each daemon.
            kinds: the ways in which drops are treated badly; they take turns.
            number: of the provocation, so that others begin each time.
            rng: draws.

        """
        daemons = rng.sample(sorted(drops_of), len(drops_of))
        calm = max(1, len(daemons) // 4)
        made = cls(others=[drop for each in daemons[:calm] for drop in drops_of[each]])
        for place, daemon in enumerate(daemons[calm:]):
            kind = kinds[(place + number) % len(kinds)]
            victim, partner = rng.sample(drops_of[daemon], 2)
            suspects = made.suspects.setdefault(kind, [])
            if kind == REFUSED:
                # Its own drop is read as before, unless that has to do with its postings.
                made.senders.append(victim)
                suspects += [victim, partner]
            else:
                made.reading[victim] = kind
                suspects.append(partner)
        return made

    def provocations(self, start: float, end: float, without: Collection[str]) -> list[Provocation]:
        """Return what was done from a start to an end, without drops to which more was done."""
        found = []
        for kind, suspects in self.suspects.items():
            some = tuple(each for each in suspects if each not in without)
            bad = frozenset(drop for drop, its in self.reading.items() if its == kind)
            others = tuple(each for each in self.others if each not in without)
            if some and others:
                found.append(Provocation(kind, bad, some, others, start, end))
        return found
