"""The intake of messages, beyond what the tests of the receiver show."""

from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of


def test_what_is_known(clocked: ClockedWorld) -> None:
    """A message is known once it was seen, in whatever way."""
    bob = clocked.run(clocked.person("Bob"))
    intake = bob.receiver._intake
    drop = clocked.run(bob.drops.find(drop_of(bob)))
    assert clocked.run(intake.are_known(drop, []))
    assert not clocked.run(intake.are_known(drop, [bytes(16)]))
