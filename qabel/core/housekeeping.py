"""Housekeeping: old data is deleted regularly."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from qabel.core.deleting import Deleting
from qabel.core.errors import StoreError
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.journal import Journal
from qabel.core.message_age import DAY, TrustedTime
from qabel.core.purging import Purging
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.tokens import TokenBook
from qabel.host.regular_call import RegularCall
from qabel.store.database.shrinking import Shrinking
from qabel.store.journal.events import JournalEvents
from qabel.store.outbox.repository import OutboxRepository

INTERVAL = 3600.0
"""Seconds between two rounds."""

RETRY = 30.0
"""Seconds until the next round after one that failed."""

KEEP_READERS = 400 * 24 * 3600.0
"""Seconds that the cursor of a reader is kept after its last read."""


@define(eq=False, kw_only=True)
class Housekeeping(Service):
    """Deletes old data, and posts what is due and may have been overlooked."""

    _journal: Journal
    _events: JournalEvents
    _outbox: OutboxRepository
    _inbox: InboxReader
    _tokens: TokenBook
    _purging: Purging
    _deleting: Deleting
    _drops: OwnedDrops
    _acknowledgements: Acknowledgements
    _shrinking: Shrinking
    _post_due: Callable[[], Awaitable[None]]
    _keep_days: Callable[[], int | None]
    """Returns after how many days messages of both directions are deleted; None for never."""
    _clock: IReactorTime
    _now: Callable[[], float]
    _time: TrustedTime = field(factory=TrustedTime, init=False)
    _loop: RegularCall = field(init=False)
    failure: str | None = field(default=None, init=False)
    """Why the last round failed; None if it did not."""
    _retry: IDelayedCall | None = field(default=None, init=False)
    """Begins a round soon after one that failed."""
    _ended: "Deferred[Any]" = field(factory=lambda: succeed(None), init=False)

    name = "housekeeping"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self._clear, INTERVAL, self._clock, self._log, "Housekeeping stopped unexpectedly"
        )

    def startService(self) -> None:
        """Start with a round at once."""
        super().startService()
        self._start_loop()

    def stopService(self) -> "Deferred[Any]":
        """Stop; the Deferred fires when the round in progress has ended."""
        super().stopService()
        self._loop.stop()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        return self._ended

    def _start_loop(self) -> None:
        self._retry = None
        self._ended = self._loop.start(now=True)

    async def _clear(self) -> None:
        """Delete what is too old. A failure ends this round only, and the next comes soon."""
        try:
            await self._clear_all()
        except StoreError as error:
            self.failure = str(error)
        except Exception:  # noqa: BLE001 - the next round is to happen all the same
            self._log.failure("Housekeeping failed unexpectedly")
            self.failure = "Internal error; the daemon's log has details."
        else:
            self.failure = None
        if self.failure is not None and self.running:
            self._loop.stop()
            self._retry = self._clock.callLater(RETRY, self._start_loop)

    async def _clear_all(self) -> None:
        now = self._now()
        await self._purging.go_on()
        while self.running and await self._deleting.delete_some():
            continue
        self._journal.forget(await self._events.prune(now))
        await self._outbox.expire(None, now=now)
        await self._acknowledgements.expire()
        await self._inbox.expire(now - KEEP_READERS)
        await self._tokens.end_idle()
        await self._tokens.keep_uses()
        await self._post_due()
        await self._delete_old_messages()
        while self.running and await self._drops.forget_copies():
            continue
        # A stop need not wait until all drops are forgotten: the next start continues.
        while self.running and await self._drops.forget_another():
            continue
        while self.running and await self._shrinking.shrink_some():
            continue

    async def _delete_old_messages(self) -> None:
        now = self._time.look(self._now(), self._clock.seconds())
        days = self._keep_days()
        if now is None or days is None:
            return
        before = now - days * DAY
        async for _ in self._inbox.delete_older(before):
            if not self.running:
                return
        while self.running and await self._outbox.expire(before, now=now):
            continue
