"""Store the outcomes of posting, however long the disk is full."""

from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.timers import Timers
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting

STORE_PAUSE = 5.0
"""Seconds before storing an outcome is tried again, on average.

Each pause is drawn. Else the messages behind those outcomes would all be posted in the moment when
the disk has space again, and it would show that they come from one daemon.
"""


class OutcomeRepository(Protocol):
    """Stores outcomes: ``qabel.store.outbox.repository.OutboxRepository``."""

    def posted(self, posting: Posting, *, now: float, may_wait: bool) -> Deferred[OutboxChange]:
        """Store that the server accepted a posting, at once or with what is stored next."""

    def refused(self, posting: Posting, reason: str, *, now: float) -> Deferred[OutboxChange]:
        """Store that the server refused a posting for good."""

    def failed_attempt(self, posting: Posting, next_attempt: float, reason: str) -> Deferred[None]:
        """Store that a posting failed, and when to retry it, in seconds since the epoch."""


@define(eq=False)
class OutcomeKeeper:
    """Holds each outcome until it is stored."""

    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    """Called with the newest number in the journal after an outcome was stored."""
    _timers: Timers
    _now: Callable[[], float]
    _draw: Draw = draw_securely
    unkept: int = field(default=0, init=False)
    """How many outcomes could not be stored yet."""

    _log = Logger()

    async def keep(
        self, posting: Posting, result: PostResult, pause: float, *, may_wait: bool = False
    ) -> list[Posting]:
        """Store a result, and return the postings that became due by it.

        Args:
            posting: the posting that was attempted.
            result: the result of the attempt.
            pause: seconds until the next attempt, if there is one.
            may_wait: whether a success may be stored with what is stored next.

        Raises:
            StoreClosed: the daemon is stopping; the posting is repeated after the next start.

        """
        while True:
            try:
                return await self._keep_once(posting, result, pause, may_wait)
            except StoreClosed:
                raise
            except StoreError as error:
                self._log.warn("Cannot store a delivery result yet: {error}", error=str(error))
            self.unkept += 1
            try:
                await self._timers.pause(STORE_PAUSE / 2 + exponential(STORE_PAUSE / 2, self._draw))
            finally:
                self.unkept -= 1

    async def _keep_once(
        self, posting: Posting, result: PostResult, pause: float, may_wait: bool
    ) -> list[Posting]:
        now, reason = self._now(), result.reason or ""
        if result.outcome is PostOutcome.FAILED:
            await self._repository.failed_attempt(posting, now + pause, reason)
            return []
        if result.outcome is PostOutcome.TAKEN:
            change = await self._repository.posted(posting, now=now, may_wait=may_wait)
        else:
            change = await self._repository.refused(posting, reason, now=now)
        self._on_seq(change.last_seq)
        return list(change.ready)
