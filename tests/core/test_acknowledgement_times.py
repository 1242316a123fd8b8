"""Times of acknowledgements: random delays, on a schedule that never jumps."""

from itertools import pairwise
from statistics import mean

from attrs import evolve
from twisted.internet.task import Clock

from qabel.core.acknowledgement_times import AcknowledgementTimes, exponential
from qabel.settings.local import PrivacySettings

DRAWS = 20_000


def test_delays_have_no_memory() -> None:
    """They have their mean, and of those that are left the same part ends in each second."""
    delays = [exponential(20) for _ in range(DRAWS)]
    assert 19 < mean(delays) < 21
    left = [sum(each > seconds for each in delays) for seconds in (0, 20, 40)]
    for before, after in pairwise(left):
        assert 0.34 < after / before < 0.4


def test_no_delay() -> None:
    """A mean of 0 is no delay at all."""
    assert exponential(0) == 0.0


def test_the_schedule_does_not_follow_the_time_of_day() -> None:
    """It starts at the time of day, and goes on with the clock however that jumps."""
    clock, times_of_day = Clock(), iter((1_800_000_000.0,))
    times = AcknowledgementTimes(clock, lambda: next(times_of_day), PrivacySettings)
    assert times.now() == 1_800_000_000_000
    clock.advance(1.5)
    assert times.now() == 1_800_000_001_500
    assert times.until(1_800_000_003_000) == 1.5
    assert times.until(0) == 0.0


def test_a_plan_is_that_of_the_settings() -> None:
    """Delays are drawn with the mean of the settings, from the time at which they were asked."""
    privacy = [PrivacySettings(acknowledge_delay=7)]
    times = AcknowledgementTimes(
        Clock(), lambda: 3.0, lambda: privacy[0], draw=lambda mean: mean / 2
    )
    plan = times.plan()
    assert (plan.since, plan.delay()) == (3_000, 3_500)
    privacy[0] = evolve(privacy[0], acknowledge_delay=0)
    assert times.plan().delay() == 0
    assert times.are_wanted
    privacy[0] = evolve(privacy[0], acknowledge="never")
    assert not times.are_wanted
