"""A full disk: noticed by any transaction, and got over by itself."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.status.disk_space import LOOK_AGAIN, DiskSpace


class DiskSpaceTests(SynchronousTestCase):
    """Remembering that the disk is full, until it is not."""

    def setUp(self) -> None:
        """Begin with nothing known."""
        self.clock, self.there, self.told = Clock(), False, 0
        self.disk_space = DiskSpace(self.look, self.tell, self.clock)
        self.disk_space.startService()
        self.addCleanup(self.disk_space.stopService)

    def look(self) -> "Deferred[bool]":
        """Tell whether there is space."""
        return succeed(self.there)

    def tell(self) -> None:
        """Count how often it was told."""
        self.told += 1

    def test_it_is_full_until_there_is_room(self) -> None:
        """It looks again and again, and tells once when there is space."""
        self.assertIsNone(self.disk_space.full_since)
        self.clock.advance(5)
        self.disk_space.missing()
        self.clock.advance(1)
        self.disk_space.missing()
        self.assertEqual(5, self.disk_space.full_since)
        self.clock.pump([LOOK_AGAIN] * 3)
        self.assertEqual((5, 0), (self.disk_space.full_since, self.told))
        self.there = True
        self.clock.pump([LOOK_AGAIN] * 3)
        self.assertEqual((None, 1), (self.disk_space.full_since, self.told))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_it_can_be_full_again(self) -> None:
        """What was got over can come again."""
        self.there = True
        for _ in range(2):
            self.disk_space.missing()
            self.clock.advance(LOOK_AGAIN)
        self.assertEqual(2, self.told)

    def test_it_looks_no_more_when_stopped(self) -> None:
        """After the end there is no timer left, and nothing starts one."""
        self.disk_space.missing()
        self.disk_space.stopService()
        self.disk_space.missing()
        self.assertEqual([], self.clock.getDelayedCalls())
