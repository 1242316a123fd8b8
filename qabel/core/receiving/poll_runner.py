"""Run the polls of drops, and draw from their results when each drop is polled next."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import MAX_BACKOFF, backoff
from qabel.core.random_delays import exponential
from qabel.core.receiving.drop_clocks import DropClocks
from qabel.core.receiving.key_on_server import AT_ONCE, KeyOnServer
from qabel.core.receiving.poll_errors import NotStored, ReadFailed
from qabel.core.receiving.poll_slots import PollSlots
from qabel.core.receiving.poll_times import SPREAD, next_pause
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.receiving.server_polls import ServerPolls
from qabel.drop.url import DropURL

NEXT_TRY = 1.0
"""Mean seconds until the next try of a poll for which there was no slot."""

INTERNAL_ERROR = "Internal error; the daemon's log has details."

ReadDrop: TypeAlias = Callable[[DropURL], Awaitable[None]]
"""Fetches and stores the new messages of a drop. Raises ReadFailed or NotStored."""


@define(eq=False, kw_only=True)
class PollRunner:
    """Runs the polls of drops. A failure of any kind ends one poll of one drop.

    It changes the times of the drops of the same owner on that server only.

    Args:
        read: reads a drop.
        clocks: the clocks of the drops.
        drops: all drops that are polled.
        servers: counts the polls of each server.

    """

    _read: ReadDrop
    _clocks: DropClocks
    _drops: dict[DropURL, PolledDrop]
    _servers: dict[str, ServerPolls]
    _slots: PollSlots = field(factory=PollSlots)
    is_running: bool = field(default=False, init=False)
    """Whether polls may begin."""

    _log = Logger()

    def start(self, drop: PolledDrop) -> None:
        """Begin a poll, or have it wait until it may begin."""
        key, now = drop.key, self._clocks.now()
        if key.not_before > now and not drop.is_asked:
            spread = exponential(min(self._clocks.interval, SPREAD), self._clocks.draw)
            self._clocks.set(drop, key.not_before - now + spread)
        elif key.running >= AT_ONCE:
            drop.stop_clock()
            key.queue[drop.url] = None
        elif not self._slots.take(key.server):
            self._clocks.set(drop, exponential(NEXT_TRY, self._clocks.draw))
        else:
            self._begin(drop)

    def _begin(self, drop: PolledDrop) -> None:
        drop.stop_clock()
        drop.is_asked = False
        ended, drop.waiting = drop.waiting, None
        drop.key.running += 1
        started = self._clocks.now()
        # Drawn now, so that how long the server takes does not move the times of the polls.
        drop.due = started + self._clocks.pause(drop)
        running = Deferred.fromCoroutine(self._poll(drop))
        if not running.called:
            drop.running = running
        running.addBoth(self._ended, drop, started, ended)

    async def _poll(self, drop: PolledDrop) -> None:
        try:
            await self._read(drop.url)
        except NotStored as failed:
            # The server is neither better nor worse than it was.
            drop.due = self._clocks.now() + drop.could_not_store(str(failed), self._clocks.draw)
        except ReadFailed as failed:
            self._failed(
                drop,
                str(failed),
                failed.retry_after,
                is_not_admitted=failed.is_not_admitted,
            )
        else:
            drop.could_store()
            drop.attempts.succeeded(self._clocks.now())
            if drop.key.succeeded():
                self._try_others(drop.key)

    def _failed(
        self,
        drop: PolledDrop,
        error: str,
        retry_after: float | None,
        *,
        is_not_admitted: bool = False,
    ) -> None:
        drop.could_store()
        clocks, now = self._clocks, self._clocks.now()
        asked = min(retry_after or 0.0, MAX_BACKOFF)
        pause = max(
            next_pause(clocks.interval, clocks.draw),
            backoff(drop.attempts.failures, base=clocks.interval, draw=clocks.draw),
            asked + exponential(SPREAD, clocks.draw) if asked else 0.0,
        )
        drop.attempts.failed(now, error, pause, is_not_admitted=is_not_admitted)
        drop.due = now + pause
        drop.key.failed(now, clocks.interval, asked, clocks.draw)
        server = self._servers.get(drop.url.server)
        if server is not None:
            server.failed_rounds += 1

    def _try_others(self, key: KeyOnServer) -> None:
        """Read the other drops of an owner soon, as their server works again."""
        for url in key.drops:
            drop = self._drops[url]
            if self.is_running and drop.attempts.failures:
                self._clocks.hasten(drop, 0.0)

    def _ended(
        self, result: object, drop: PolledDrop, started: float, ended: Deferred[None] | None
    ) -> None:
        if isinstance(result, Failure) and not result.check(CancelledError):
            server = drop.url.server
            self._log.failure("Polling {server} failed unexpectedly", result, server=server)
            self._failed(drop, INTERNAL_ERROR, None)
        self._count(drop, started)
        drop.running = None
        drop.key.running -= 1
        self._slots.give_back(drop.key.server)
        if ended is not None:
            ended.callback(None)
        if not self.is_running or drop.is_gone:
            drop.end_waiting()
        elif drop.is_asked:
            self.start(drop)
        else:
            left = drop.due - self._clocks.now()
            self._clocks.set(drop, left if left > 0 else self._clocks.pause(drop))
        self._go_on(drop.key)

    def _count(self, drop: PolledDrop, started: float) -> None:
        server = self._servers.get(drop.url.server)
        if server is not None:
            server.rounds += 1
            server.seconds += self._clocks.now() - started

    def _go_on(self, key: KeyOnServer) -> None:
        """Begin the polls that waited for the end of others of the same owner."""
        if key.is_going_on:
            return
        key.is_going_on = True
        try:
            while key.queue and key.running < AT_ONCE and self.is_running:
                url = next(iter(key.queue))
                del key.queue[url]
                self.start(self._drops[url])
        finally:
            key.is_going_on = False
