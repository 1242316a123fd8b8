"""The parts of a core: what the options and settings of one mean for another."""

import pytest
from twisted.internet.defer import Deferred

from qabel.core.sending.outcomes import PATIENCE
from qabel.core.status.health import STALE_AFTER
from qabel.deferreds import result_of
from qabel.store.database.errors import StoreFull
from tests.conftest import LoggedFailures
from tests.core.conftest import ClockedWorld


@pytest.mark.parametrize(
    ("interval", "stale_after", "healthy_for"),
    [(5, STALE_AFTER, STALE_AFTER), (5, 60.0, 60.0), (1000, 60.0, 8000.0)],
)
def test_when_receiving_is_stale(
    clocked: ClockedWorld, interval: float, stale_after: float, healthy_for: float
) -> None:
    """A silent server is bad health after the time of the options, or eight poll intervals."""
    core = clocked.run(clocked.person("me", stale_after=stale_after))
    clocked.run(core.local.set("poll_interval", interval))
    clocked.drop_servers.is_away = True
    clocked.clock.advance(healthy_for)
    assert clocked.run(core.health()) == []
    clocked.clock.advance(1)
    assert len(clocked.run(core.health())) == 1


def test_the_parts_stop_with_the_core(
    clocked: ClockedWorld, logged_failures: LoggedFailures
) -> None:
    """A core that is closed leaves no timer, whatever was under way."""
    alice, _ = clocked.run(clocked.friends())
    clocked.drop_servers.is_away = True
    sending = Deferred.fromCoroutine(clocked.say(alice, "Hello"))
    clocked.clock.advance(PATIENCE)
    assert not result_of(sending).is_complete
    alice._base.database.on_failure(StoreFull("full"))
    logged_failures.flush()
    assert clocked.clock.getDelayedCalls() != []
    clocked.run(clocked.close())
    assert clocked.clock.getDelayedCalls() == []
