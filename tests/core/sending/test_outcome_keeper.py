"""Keeping outcomes: each is kept once, however long the disk takes."""

from itertools import pairwise

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.outcome_keeper import STORE_PAUSE, OutcomeKeeper
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.timers import Timers
from qabel.store.database.errors import StoreClosed, StoreError, StoreFull
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting
from tests.core.items import draws, posting

NOW = 1_800_000_000.0


@define
class Disk:
    """Stands for the outbox: notes what is kept, or fails as the test says."""

    error: StoreError | None = None
    kept: list[tuple[object, ...]] = field(factory=list)
    ready: tuple[Posting, ...] = ()

    def posted(self, posting: Posting, *, now: float, may_wait: bool) -> "Deferred[OutboxChange]":
        """Keep that the server took it."""
        return self._keep("posted", posting.id, now)

    def refused(self, posting: Posting, reason: str, *, now: float) -> "Deferred[OutboxChange]":
        """Keep that the server never will."""
        return self._keep("refused", posting.id, reason, now)

    def failed_attempt(self, posting: Posting, until: float, reason: str) -> "Deferred[None]":
        """Keep that it is to be tried again."""
        return self._keep("failed", posting.id, until, reason).addCallback(lambda _: None)

    def _keep(self, *what: object) -> "Deferred[OutboxChange]":
        if self.error is not None:
            return fail(self.error)
        self.kept.append(what)
        return succeed(OutboxChange(self.ready, None, 40 + len(self.kept)))


class OutcomeKeeperTests(SynchronousTestCase):
    """A keeper on a clock of the test's own."""

    def setUp(self) -> None:
        """Begin with a disk in order."""
        self.clock, self.disk, self.numbers = Clock(), Disk(), []
        self.timers = Timers(self.clock)
        self.keeper = OutcomeKeeper(
            self.disk,
            self.numbers.append,
            self.timers,
            lambda: NOW + self.clock.seconds(),
            lambda: 0.632,
        )

    def keep(
        self, outcome: PostOutcome, reason: str | None = None, pause: float = 0.0
    ) -> "Deferred[list[Posting]]":
        """Have the outcome of the first posting kept."""
        return Deferred.fromCoroutine(
            self.keeper.keep(posting(1), PostResult(outcome, reason), pause)
        )

    def test_taken(self) -> None:
        """What was taken is kept, its number told, and what became due by it returned."""
        self.disk.ready = (posting(2),)
        self.assertEqual([posting(2)], self.successResultOf(self.keep(PostOutcome.TAKEN)))
        self.assertEqual([("posted", 1, NOW)], self.disk.kept)
        self.assertEqual([41], self.numbers)

    def test_refused(self) -> None:
        """A refusal is kept with its reason, and what stood behind the message is due."""
        self.disk.ready = (posting(2),)
        kept = self.keep(PostOutcome.REFUSED, "Status 413.")
        self.assertEqual([posting(2)], self.successResultOf(kept))
        self.assertEqual([("refused", 1, "Status 413.", NOW)], self.disk.kept)
        self.assertEqual([41], self.numbers)

    def test_failed(self) -> None:
        """A failed attempt is kept with the time of the next, and nothing becomes due by it."""
        kept = self.keep(PostOutcome.FAILED, "No answer.", pause=30.0)
        self.assertEqual([], self.successResultOf(kept))
        self.assertEqual([("failed", 1, NOW + 30, "No answer.")], self.disk.kept)
        self.assertEqual([], self.numbers)

    def test_a_full_disk_is_waited_for(self) -> None:
        """An outcome that cannot be kept is tried again and again, and counted until it is."""
        self.disk.error = StoreFull("There is no space.")
        keeping = [self.keep(PostOutcome.TAKEN) for _ in range(2)]
        self.assertEqual(2, self.keeper.unkept)
        self.clock.pump([STORE_PAUSE] * 5)
        self.assertEqual(2, self.keeper.unkept)
        self.disk.error = None
        self.clock.advance(STORE_PAUSE)
        for each in keeping:
            self.successResultOf(each)
        self.assertEqual((0, 2), (self.keeper.unkept, len(self.disk.kept)))

    def test_each_outcome_is_kept_at_a_time_of_its_own(self) -> None:
        """When there is space again, what waited for many outcomes does not begin at once."""
        random = draws()
        self.keeper._draw = random
        self.disk.error = StoreFull("There is no space.")
        keeping = [self.keep(PostOutcome.TAKEN) for _ in range(200)]
        self.clock.pump([0.1] * 600)
        self.disk.error = None
        counts = []
        while self.keeper.unkept:
            self.clock.advance(0.1)
            counts.append(len(self.disk.kept))
        for each in keeping:
            self.successResultOf(each)
        at_once = max(new - old for old, new in pairwise([0, *counts]))
        self.assertLess(at_once, 20)
        self.assertGreater(len(counts), 5 * STORE_PAUSE)

    def test_a_closed_database_is_not_waited_for(self) -> None:
        """When the daemon stops, the outcome is given up: the message is posted again later."""
        self.disk.error = StoreClosed("The database is closed.")
        self.failureResultOf(self.keep(PostOutcome.TAKEN), StoreClosed)
        self.assertEqual(0, self.keeper.unkept)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_cancelled_while_it_waits(self) -> None:
        """Who waits no longer leaves nothing counted."""
        self.disk.error = StoreFull("There is no space.")
        keeping = self.keep(PostOutcome.TAKEN)
        keeping.cancel()
        self.failureResultOf(keeping)
        self.assertEqual(0, self.keeper.unkept)
        self.timers.cancel()
