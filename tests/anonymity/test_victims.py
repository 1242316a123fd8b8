"""The choice of drops that are treated badly."""

import pytest

from tests.anonymity.chances import seeded
from tests.anonymity.recorder import CLOSED, KINDS, REFUSED
from tests.anonymity.victims import Victims


@pytest.mark.parametrize("daemons", [3, 4, 20])
@pytest.mark.parametrize("number", range(6))
def test_each_daemon_has_one_part(daemons: int, number: int) -> None:
    """A daemon is either left alone, or one of its drops is treated badly, or its postings are."""
    drops_of = {each: [f"{each}a", f"{each}b"] for each in range(daemons)}
    victims = Victims.choose(drops_of, KINDS, number, seeded(number))
    calm = {each[:-1] for each in victims.others}
    bad = {each[:-1] for each in victims.reading}
    senders = {each[:-1] for each in victims.senders}
    assert len(calm) == max(1, daemons // 4)
    assert not calm & bad
    assert not senders & (calm | bad)
    assert len(calm | bad | senders) == daemons
    for kind, suspects in victims.suspects.items():
        assert not set(suspects) & victims.reading.keys()
        assert {each[:-1] for each in suspects} == (
            senders
            if kind == REFUSED
            else {drop[:-1] for drop, its in victims.reading.items() if its == kind}
        )


def test_all_ways_take_turns() -> None:
    """With as many daemons as ways, each is tried in turn, with other daemons each time."""
    drops_of = {each: [f"{each}a", f"{each}b"] for each in range(3)}
    tried = {
        kind
        for number in range(len(KINDS))
        for kind in Victims.choose(drops_of, KINDS, number, seeded(1)).suspects
    }
    assert tried == set(KINDS)


def test_what_is_passed_over() -> None:
    """Drops to which something else was done are neither suspects nor others."""
    victims = Victims(
        reading={"1a": CLOSED, "2a": "503"},
        suspects={CLOSED: ["1b"], "503": ["2b"]},
        others=["3a", "3b"],
    )
    [closed, refused] = victims.provocations(10, 20, ())
    assert (closed.kind, closed.victims, closed.suspects) == (CLOSED, {"1a"}, ("1b",))
    assert (refused.kind, refused.victims, refused.suspects) == ("503", {"2a"}, ("2b",))
    [left] = victims.provocations(10, 20, ("1b", "3a"))
    assert (left.kind, left.others) == ("503", ("3b",))
