"""Asking the database: one question at a time, and a known time until it counts as hanging."""

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.errors import StoreError
from qabel.core.status.store_probe import PATIENCE, StoreProbe
from qabel.store.inbox.strangers import StrangerCounts
from qabel.store.outbox.acknowledgements import AcknowledgementCounts
from qabel.store.outbox.records import OutboxCounts

OUTBOX = OutboxCounts(queued=1, sent=2, failed=3, oldest_queued=None)


@define(eq=False)
class Database:
    """Answers as the test says."""

    answer: "Deferred[OutboxCounts]" = field(factory=lambda: succeed(OUTBOX))
    asked: int = 0

    def counts(self) -> "Deferred[OutboxCounts]":
        """Count."""
        self.asked += 1
        return self.answer

    def undelivered_counts(self) -> "Deferred[dict[int, int]]":
        """Count what was given up."""
        return succeed({7: 1})


@define(eq=False)
class Strangers:
    """Has something to count."""

    def counts(self) -> "Deferred[StrangerCounts | None]":
        """Count."""
        return succeed(None)


@define(eq=False)
class Acknowledgements:
    """Has some that wait."""

    def counts(self) -> "Deferred[AcknowledgementCounts]":
        """Count."""
        return succeed(AcknowledgementCounts(4, 5))


class StoreProbeTests(SynchronousTestCase):
    """A probe on a clock of the test's own."""

    def setUp(self) -> None:
        """Make it."""
        self.clock, self.database = Clock(), Database()
        self.probe = StoreProbe(
            outbox=self.database,
            acknowledgements=Acknowledgements(),
            strangers=Strangers(),
            webhooks=self.database,
            clock=self.clock,
        )

    def test_what_is_in_the_database(self) -> None:
        """An answer has all counts, and leaves no timer."""
        counts = self.successResultOf(self.probe.ask())
        self.assertEqual((OUTBOX, {7: 1}), (counts.outbox, counts.undelivered))
        self.assertEqual(AcknowledgementCounts(4, 5), counts.acknowledgements)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_failure(self) -> None:
        """The error of the database is passed on, and the next question is a new one."""
        self.database.answer = fail(StoreError("It is broken."))
        self.failureResultOf(self.probe.ask(), StoreError)
        self.database.answer = succeed(OUTBOX)
        self.successResultOf(self.probe.ask())

    def test_a_database_that_hangs_is_asked_once(self) -> None:
        """All who ask share one question; once it is too old they need not wait at all."""
        hanging = self.database.answer = Deferred()
        first, second = self.probe.ask(), self.probe.ask()
        self.clock.advance(PATIENCE)
        self.failureResultOf(first, DeferredTimeout)
        self.failureResultOf(second, DeferredTimeout)
        third = self.probe.ask()
        self.clock.advance(0)
        self.failureResultOf(third, DeferredTimeout)
        self.assertEqual(1, self.database.asked)
        self.database.answer = succeed(OUTBOX)
        hanging.callback(OUTBOX)
        self.successResultOf(self.probe.ask())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_whoever_stops_waiting_is_forgotten(self) -> None:
        """A question of which nobody wants the answer any more is still the only one."""
        hanging = self.database.answer = Deferred()
        asked = self.probe.ask()
        asked.addErrback(lambda _: None)
        asked.cancel()
        hanging.callback(OUTBOX)
        self.assertEqual([], self.clock.getDelayedCalls())
