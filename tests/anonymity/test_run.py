"""The plan of a run."""

import pytest

from tests.anonymity.run import Plan


@pytest.mark.parametrize(("seconds", "interval"), [(468, 2.0), (300, 2.0), (30, 0.3)])
def test_a_plan_takes_about_as_long_as_it_may(seconds: float, interval: float) -> None:
    """All parts together take no longer than the run may, and each is there at least once."""
    plan = Plan.of(seconds, interval)
    assert plan.provocations >= 1
    assert plan.outages >= 1
    parts = (
        plan.traffic + plan.commands,
        plan.provocations * 2.4 * plan.window,
        plan.outages * (plan.down + plan.up),
    )
    assert 0.65 * seconds <= sum(parts) <= 1.01 * seconds
