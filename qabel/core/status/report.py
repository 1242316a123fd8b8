"""The report of the daemon's state: its status, and whether it is healthy."""

from collections.abc import Callable

from attrs import asdict, frozen
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

import qabel
from qabel.core.errors import StoreError
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.journal import Journal
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.receiving.receiver import Counts
from qabel.core.sending.poster import Poster
from qabel.core.status.disk_space import DiskSpace
from qabel.core.status.health import (
    disk_trouble,
    receiving_trouble,
    sending_trouble,
    server_view,
    store_trouble,
    stranger_trouble,
)
from qabel.core.status.troubles import Trouble
from qabel.core.status.views import (
    DiskView,
    InboxCountsView,
    OutboxCountsView,
    PostedView,
    PushView,
    ReceivedView,
    StatusView,
    StrangersView,
)
from qabel.store.inbox.strangers import StrangerCounts, StrangerLimits, StrangerRepository
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository

STORE_PATIENCE = 5.0
"""Seconds after which a database that does not respond is reported as a problem."""

BACKUP = (
    "POST /backup writes a complete copy while the daemon runs. A copy of the files of a running "
    "daemon may be unusable."
)


@frozen(kw_only=True)
class Reporter:
    """Collects the state of the daemon's parts, and checks that the database responds."""

    poller: Poller
    push_watch: PushWatch
    poster: Poster
    outbox: OutboxRepository
    strangers: StrangerRepository
    limits: Callable[[], StrangerLimits]
    inbox: InboxReader
    journal: Journal
    disk_space: DiskSpace
    counts: Counts
    stale_after: Callable[[], float]
    clock: IReactorTime
    now: Callable[[], float]
    started: float
    """In seconds on the clock."""

    async def status(self) -> StatusView:
        """Return the state of the daemon."""
        counts, strangers, troubles = await self._look()
        clock = self.clock.seconds()
        wall_minus_clock = self.now() - clock
        return StatusView(
            status="running",
            version=qabel.__version__,
            uptime=round(clock - self.started, 1),
            healthy=not any(each.unhealthy for each in troubles),
            troubles=[each.what for each in troubles],
            drop_servers=[
                server_view(each, wall_minus_clock, self.poller.next_tick)
                for each in self.poller.servers.values()
            ],
            push=PushView(self.push_watch.connected),
            received=ReceivedView(**asdict(self.counts)),
            posted=PostedView(**self.poster.counts, seconds=round(self.poster.seconds, 3)),
            disk=self._disk(wall_minus_clock),
            inbox=InboxCountsView(self.inbox.messages, self.journal.newest),
            strangers=None if strangers is None else self._strangers(strangers),
            outbox=None if counts is None else self._outbox(counts),
            backup=BACKUP,
        )

    async def health(self) -> list[str]:
        """Return the reasons why the daemon is unhealthy; an empty list if it is healthy.

        Anybody may read them: they name no server and no file.
        """
        _, _, troubles = await self._look()
        return list(dict.fromkeys(each.row.unhealthy_text for each in troubles if each.unhealthy))

    async def _look(
        self,
    ) -> tuple[OutboxCounts | None, StrangerCounts | None, list[Trouble]]:
        counts, strangers, found = None, None, []
        try:
            counts = await self.outbox.counts().addTimeout(STORE_PATIENCE, self.clock)
            strangers = await self.strangers.counts().addTimeout(STORE_PATIENCE, self.clock)
        except (StoreError, DeferredTimeout) as error:
            found.append(store_trouble(error))
        now = self.clock.seconds()
        found += disk_trouble(self.disk_space.full_since, now)
        found += receiving_trouble(self.poller.servers, self.started, now, self.stale_after())
        oldest = None if counts is None else self._oldest_wait(counts)
        found += sending_trouble(oldest, self.poster.unkept, self.poster.failing())
        if strangers is not None:
            limits = self.limits()
            lacking = strangers.lacking_room(limits)
            found += stranger_trouble(strangers.kept_bytes, limits.quota, lacking)
        return counts, strangers, found

    def _oldest_wait(self, counts: OutboxCounts) -> float | None:
        if counts.oldest_queued is None:
            return None
        # The clock may have been set back since.
        return max(0.0, self.now() - counts.oldest_queued / 1000)

    def _disk(self, wall_minus_clock: float) -> DiskView:
        since = self.disk_space.full_since
        return DiskView(
            full=since is not None,
            full_since=None if since is None else int((since + wall_minus_clock) * 1000),
        )

    def _strangers(self, counts: StrangerCounts) -> StrangersView:
        return StrangersView(
            kept_bytes=counts.kept_bytes,
            quota_bytes=self.limits().quota,
            refused=counts.strangers_refused,
        )

    def _outbox(self, counts: OutboxCounts) -> OutboxCountsView:
        oldest = self._oldest_wait(counts)
        return OutboxCountsView(
            queued=counts.queued,
            sent=counts.sent,
            failed=counts.failed,
            oldest_waiting=None if oldest is None else round(oldest, 1),
        )
