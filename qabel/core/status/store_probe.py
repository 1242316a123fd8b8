"""Counts what is in the database, and notices when it does not respond."""

from collections.abc import Mapping

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from qabel.store.inbox.strangers import StrangerCounts, StrangerRepository
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository
from qabel.store.outbox.acknowledgements import AcknowledgementCounts
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.webhooks import WebhookRepository

PATIENCE = 3.0
"""Seconds after which a database that does not respond is reported as a problem."""


@frozen
class StoreCounts:
    """What is in the database."""

    outbox: OutboxCounts
    acknowledgements: AcknowledgementCounts
    strangers: StrangerCounts
    undelivered: Mapping[int, int]
    """How many events could not be delivered to each webhook, by its id."""


@define(eq=False, kw_only=True)
class StoreProbe:
    """Asks the database one question at a time: those who ask meanwhile share the answer.

    So a database that hangs does not collect questions, and is known to hang at once.
    """

    _outbox: OutboxRepository
    _acknowledgements: AcknowledgementRepository
    _strangers: StrangerRepository
    _webhooks: WebhookRepository
    _clock: IReactorTime
    _asked: float | None = field(default=None, init=False)
    """When the present question was asked; None if there is none."""
    _waiting: "list[Deferred[StoreCounts]]" = field(factory=list, init=False)

    def ask(self) -> "Deferred[StoreCounts]":
        """Return what is in the database.

        The Deferred fails with StoreError, or with TimeoutError if the database has not responded
        for ``PATIENCE`` seconds.
        """
        answer: Deferred[StoreCounts] = Deferred(self._waiting.remove)
        self._waiting.append(answer)
        if self._asked is None:
            self._asked = self._clock.seconds()
            Deferred.fromCoroutine(self._ask()).addBoth(self._answered)
        if not answer.called:
            left = self._asked + PATIENCE - self._clock.seconds()
            answer.addTimeout(max(left, 0.0), self._clock)
        return answer

    def stop(self) -> None:
        """Fail those who wait for an answer with CancelledError."""
        for each in list(self._waiting):
            each.cancel()

    async def _ask(self) -> StoreCounts:
        return StoreCounts(
            await self._outbox.counts(),
            await self._acknowledgements.counts(),
            await self._strangers.counts(),
            await self._webhooks.undelivered_counts(),
        )

    def _answered(self, result: StoreCounts | Failure) -> None:
        self._asked = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(result)
