"""Keeping the outcomes of posting, however long the disk is full."""

from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.timers import Timers
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting

STORE_PAUSE = 5.0
"""Seconds before storing an outcome is tried again."""


class OutcomeRepository(Protocol):
    """Where outcomes are kept: ``qabel.store.outbox.repository.OutboxRepository``."""

    def posted(self, posting: Posting, *, now: float) -> Deferred[OutboxChange]:
        """Note that the server took it."""

    def refused(self, posting: Posting, reason: str, *, now: float) -> Deferred[OutboxChange]:
        """Note that the server never will."""

    def failed_attempt(self, posting: Posting, next_attempt: float, reason: str) -> Deferred[None]:
        """Note that it is to be tried again."""


@define(eq=False)
class OutcomeKeeper:
    """Keeps each outcome until the disk has it."""

    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    """Told the newest number in the journal after an outcome was kept."""
    _timers: Timers
    _now: Callable[[], float]
    unkept: int = field(default=0, init=False)
    """Outcomes that wait for the disk."""

    _log = Logger()

    async def keep(self, posting: Posting, result: PostResult, pause: float) -> list[Posting]:
        """Keep a result, and return the postings that became due by it.

        Args:
            posting: what was tried.
            result: how that ended.
            pause: seconds to the next attempt, if there is to be one.

        Raises:
            StoreClosed: the daemon stops; it is posted again, byte for byte, after the next start.

        """
        while True:
            try:
                return await self._keep_once(posting, result, pause)
            except StoreClosed:
                raise
            except StoreError as error:
                self._log.warn("An outcome could not be stored yet: {error}", error=str(error))
            self.unkept += 1
            try:
                await self._timers.pause(STORE_PAUSE)
            finally:
                self.unkept -= 1

    async def _keep_once(self, posting: Posting, result: PostResult, pause: float) -> list[Posting]:
        now, reason = self._now(), result.reason or ""
        if result.outcome is PostOutcome.FAILED:
            await self._repository.failed_attempt(posting, now + pause, reason)
            return []
        if result.outcome is PostOutcome.TAKEN:
            change = await self._repository.posted(posting, now=now)
        else:
            change = await self._repository.refused(posting, reason, now=now)
        self._on_seq(change.last_seq)
        return list(change.ready)
