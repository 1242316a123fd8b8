"""Looks for news are kept apart, unless somebody waits."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.modules.pacing import Pacing


def resting(pacing: Pacing) -> "Deferred[None]":
    """Begin to rest."""
    return Deferred.fromCoroutine(pacing.rest())


def test_the_first_look_is_at_once_and_the_next_one_later() -> None:
    """Between the beginnings of two looks is the spacing."""
    clock = Clock()
    pacing = Pacing(clock, 2.0)
    assert resting(pacing).called
    pacing.begin()
    clock.advance(0.5)
    rest = resting(pacing)
    clock.advance(1.4)
    assert not rest.called
    clock.advance(0.2)
    assert rest.called
    clock.advance(3)
    pacing.begin()
    clock.advance(3)
    assert resting(pacing).called
    assert clock.getDelayedCalls() == []


def test_whoever_waits_for_a_look_ends_the_rest() -> None:
    """Waiting ends a rest, or makes the next one short, and no more than that one."""
    clock = Clock()
    pacing = Pacing(clock, 2.0)
    pacing.begin()
    rest = resting(pacing)
    looked = [pacing.next_look(1.0), pacing.next_look(1.0)]
    assert rest.called
    pacing.begin()
    assert not any(each.called for each in looked)
    pacing.end()
    assert all(each.called for each in looked)
    assert not (rest := resting(pacing)).called
    late = pacing.next_look(1.0)
    assert rest.called
    assert resting(pacing).called
    clock.advance(1.0)
    assert late.called
    pacing.end()
    assert clock.getDelayedCalls() == []


def test_a_rest_that_is_cancelled_leaves_no_timer() -> None:
    """Nothing is left to be called by a clock."""
    clock = Clock()
    pacing = Pacing(clock, 2.0)
    pacing.begin()
    rest = resting(pacing)
    rest.cancel()
    rest.addErrback(lambda _: None)
    assert clock.getDelayedCalls() == []
