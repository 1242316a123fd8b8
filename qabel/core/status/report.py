"""What the daemon says of itself: whether it is well, and how it is."""

from collections.abc import Callable
from typing import Any

from attrs import asdict, frozen
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

import qabel
from qabel.core.errors import StoreError
from qabel.core.journal.inbox import InboxReader
from qabel.core.journal.journal import Log
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import Pushes
from qabel.core.receiving.receiver import Counts
from qabel.core.sending.poster import Poster
from qabel.core.status.disk_space import Room
from qabel.core.status.health import (
    Trouble,
    disk_trouble,
    receiving_trouble,
    sending_trouble,
    server_status,
    store_trouble,
)
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import Outbox

STORE_PATIENCE = 5.0
"""Seconds after which a store that does not answer counts as out of order."""

BACKUP = (
    "POST /backup writes a whole copy while the daemon runs; files copied from under a running "
    "daemon may be of no use."
)


@frozen(kw_only=True)
class Reporter:
    """Looks at the parts of the daemon, and asks the store whether it answers."""

    poller: Poller
    pushes: Pushes
    poster: Poster
    outbox: Outbox
    inbox: InboxReader
    log: Log
    room: Room
    counts: Counts
    stale_after: Callable[[], float]
    clock: IReactorTime
    now: Callable[[], float]
    started: float
    """On the clock."""

    async def status(self) -> dict[str, Any]:
        """Describe how the daemon is: JSON-ready, with no drop id and no key in it."""
        counts, troubles = await self._look()
        clock = self.clock.seconds()
        wall_minus_clock = self.now() - clock
        full_since = self.room.full_since
        return {
            "status": "running",
            "version": qabel.__version__,
            "uptime": round(clock - self.started, 1),
            "healthy": not any(each.unhealthy for each in troubles),
            "troubles": [each.what for each in troubles],
            "drop_servers": [
                server_status(each, wall_minus_clock, self.poller.next_tick)
                for each in self.poller.servers.values()
            ],
            "push": {"listening": self.pushes.connected},
            "disk": {
                "full": full_since is not None,
                "full_since": None
                if full_since is None
                else int((full_since + wall_minus_clock) * 1000),
            },
            "received": asdict(self.counts),
            "posted": {**self.poster.outcomes, "seconds": round(self.poster.seconds, 3)},
            "inbox": {"messages": self.inbox.messages, "latest": self.log.newest},
            "outbox": None if counts is None else self._outbox(counts),
            "backup": BACKUP,
        }

    async def health(self) -> list[str]:
        """Tell why the daemon is unfit, if it is: an empty list is good health."""
        _, troubles = await self._look()
        return [each.what for each in troubles if each.unhealthy]

    async def _look(self) -> tuple[OutboxCounts | None, list[Trouble]]:
        counts, found = None, []
        try:
            counts = await self.outbox.counts().addTimeout(STORE_PATIENCE, self.clock)
        except (StoreError, DeferredTimeout) as error:
            found.append(store_trouble(error))
        now = self.clock.seconds()
        found += disk_trouble(self.room.full_since, now)
        found += receiving_trouble(self.poller.servers, self.started, now, self.stale_after())
        oldest = None if counts is None else self._oldest_wait(counts)
        found += sending_trouble(oldest, self.poster.unkept, self.poster.failing())
        return counts, found

    def _oldest_wait(self, counts: OutboxCounts) -> float | None:
        if counts.oldest_queued is None:
            return None
        # The clock may have been set back since.
        return max(0.0, self.now() - counts.oldest_queued / 1000)

    def _outbox(self, counts: OutboxCounts) -> dict[str, Any]:
        oldest = self._oldest_wait(counts)
        return {
            "queued": counts.queued,
            "sent": counts.sent,
            "failed": counts.failed,
            "oldest_waiting": None if oldest is None else round(oldest, 1),
        }
