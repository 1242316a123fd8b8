"""Failures of the database: noticed by any transaction and by looking, and got over by itself."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.errors import StoreError
from qabel.core.status.store_probe import PATIENCE
from qabel.core.status.store_watch import INTERVAL, StoreWatch, kind_of
from qabel.core.status.troubles import TroubleKind
from qabel.store.database.errors import (
    Busy,
    Corrupt,
    DiskError,
    FileReplaced,
    ReadOnly,
    StoreClosed,
    StoreFull,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreFull(""), TroubleKind.DISK_FULL),
        (ReadOnly(""), TroubleKind.STORE_READ_ONLY),
        (Busy(""), TroubleKind.STORE_LOCKED),
        (FileReplaced(""), TroubleKind.STORE_REPLACED),
        (Corrupt(""), TroubleKind.DAMAGE),
        (DiskError(""), TroubleKind.STORE),
        (StoreError(""), TroubleKind.STORE),
    ],
)
def test_each_error_is_a_kind_of_trouble(error: StoreError, kind: TroubleKind) -> None:
    """What went wrong with the file tells what is reported."""
    assert kind_of(error) is kind


class StoreWatchTests(SynchronousTestCase):
    """Remembering that the database fails, until it does not."""

    def setUp(self) -> None:
        """Begin with nothing known."""
        self.clock, self.told = Clock(), 0
        self.state: Deferred[None] | StoreError | None = None
        self.asked: list[TroubleKind | None] = []
        self.watch = StoreWatch(self.look, self.tell, self.clock)
        self.watch.startService()
        self.addCleanup(lambda: self.watch.running and self.watch.stopService())

    def look(self, failing: "TroubleKind | None") -> "Deferred[None]":
        """Tell whether the database can be written."""
        self.asked.append(failing)
        if isinstance(self.state, Deferred):
            return self.state
        return succeed(None) if self.state is None else fail(self.state)

    def tell(self) -> None:
        """Count how often it was told."""
        self.told += 1

    def kinds(self) -> list[TroubleKind]:
        """Return the kinds of trouble at present."""
        return [each.kind for each in self.watch.troubles()]

    def test_a_full_disk_is_full_until_there_is_room(self) -> None:
        """It looks again and again, and tells once when there is space."""
        self.state = StoreFull("full")
        self.clock.advance(0.5)
        self.watch.failed(self.state)
        self.assertEqual(0.5, self.watch.full_since)
        self.clock.pump([INTERVAL] * 3)
        self.watch.failed(self.state)
        self.assertEqual((0.5, 0), (self.watch.full_since, self.told))
        self.state = None
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual((None, 1), (self.watch.full_since, self.told))
        self.assertEqual(4, self.asked.count(TroubleKind.DISK_FULL))

    def test_a_failure_is_found_though_nobody_writes(self) -> None:
        """Looking alone shows what cannot be written, within seconds."""
        self.state = ReadOnly("read-only")
        self.clock.advance(INTERVAL)
        self.assertEqual([TroubleKind.STORE_READ_ONLY], self.kinds())
        self.state = None
        self.clock.advance(INTERVAL)
        self.assertEqual(([], 1), (self.kinds(), self.told))
        self.assertEqual([None, TroubleKind.STORE_READ_ONLY], self.asked)

    def test_damage_lasts(self) -> None:
        """Damage does not end because something else can be written."""
        self.watch.failed(Corrupt("damaged"))
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual(([TroubleKind.DAMAGE], 0), (self.kinds(), self.told))
        self.assertEqual([None] * 3, self.asked)

    def test_the_newest_failure_counts(self) -> None:
        """One kind of failure may turn into another; it has lasted since the first."""
        self.watch.failed(Busy("locked"))
        self.clock.advance(0.5)
        self.watch.failed(StoreFull("full"))
        self.assertEqual(0.0, self.watch.full_since)

    def test_a_failure_during_a_check_is_newer(self) -> None:
        """What fails while a check is under way is not over when that succeeds."""
        self.watch.failed(Busy("locked"))
        self.state = looking = Deferred()
        self.clock.advance(INTERVAL)
        self.watch.failed(ReadOnly("read-only"))
        looking.callback(None)
        self.assertEqual(([TroubleKind.STORE_READ_ONLY], 0), (self.kinds(), self.told))

    def test_a_database_that_does_not_respond(self) -> None:
        """A check that hangs is trouble after some seconds, and no other is begun beside it."""
        self.state = looking = Deferred()
        self.clock.advance(INTERVAL)
        self.clock.advance(PATIENCE)
        self.assertEqual([], self.kinds())
        self.clock.advance(0.1)
        self.assertEqual([TroubleKind.STORE], self.kinds())
        self.assertEqual(1, len(self.asked))
        self.state = None
        looking.callback(None)
        self.assertEqual([], self.kinds())

    def test_a_closed_database_is_no_failure(self) -> None:
        """A check that comes while the database is being closed says nothing."""
        self.state = StoreClosed("closed")
        self.clock.advance(INTERVAL)
        self.assertEqual([], self.kinds())

    def test_it_looks_no_more_when_stopped(self) -> None:
        """After the end there is no timer left, and nothing starts one."""
        self.watch.failed(StoreFull("full"))
        self.watch.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())
