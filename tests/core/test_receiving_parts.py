"""The parts of a core that receive: what its options mean for them."""

from qabel.core.receiving.full_readings import AFTER_NEWS
from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of


def test_the_bandwidth_of_the_options(clocked: ClockedWorld) -> None:
    """A drop may take as many bytes as the options say."""
    core = clocked.run(clocked.person("me", drop_bandwidth=8000))
    drop = clocked.run(core.drops.find(drop_of(core)))
    assert drop.traffic.allowed(10**9, 0, full=False) == 8000


def test_no_cache_reads_in_full(clocked: ClockedWorld) -> None:
    """A reader that asks for polling first has the drops read in full, once in ten minutes."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "hello"))
    clocked.run(clocked.heard(bob))
    done = []
    for pause in (1.0, 1.0, AFTER_NEWS, 1.0):
        before = clocked.drop_servers.fetched.count(None)
        clocked.run(clocked.heard(bob))
        done.append(clocked.drop_servers.fetched.count(None) - before)
        clocked.clock.advance(pause)
    assert done == [1, 0, 0, 1]
