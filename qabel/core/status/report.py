"""The report of the daemon's state: its status, and whether it is healthy."""

from collections.abc import Callable, Iterable

from attrs import asdict, field, frozen
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

import qabel
from qabel.core.errors import StoreError
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.journal import Journal
from qabel.core.journal.webhooks import WebhookState
from qabel.core.receiving.intake import Counts
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.poster import Poster
from qabel.core.status.health import (
    disk_trouble,
    receiving_trouble,
    sending_trouble,
    server_view,
    store_trouble,
    stranger_trouble,
)
from qabel.core.status.part_troubles import webhook_trouble
from qabel.core.status.proxy_report import without_consequences
from qabel.core.status.reading import drops_by_server, reading_trouble
from qabel.core.status.store_probe import StoreCounts, StoreProbe
from qabel.core.status.store_watch import StoreWatch
from qabel.core.status.trouble_history import TroubleHistory
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.views import (
    AcknowledgementsView,
    DaemonStatusView,
    DiskView,
    InboxCountsView,
    OutboxCountsView,
    PostedView,
    ProxyView,
    PushView,
    ReceivedView,
    ServerView,
    StrangersView,
    TroubleView,
)
from qabel.store.inbox.strangers import StrangerCounts, StrangerLimits
from qabel.store.outbox.records import OutboxCounts

Finder = Callable[[], Iterable[Trouble]]
"""Returns the troubles of one part that there are now, without blocking."""

BACKUP = (
    "POST /backup writes a complete copy while the daemon runs. A copy of the files of a running "
    "daemon may be unusable."
)


@frozen(kw_only=True, eq=False)
class Reporter:
    """Collects the state of the daemon's parts, and checks that the database responds."""

    store: StoreProbe
    history: TroubleHistory
    stalls: Callable[[], int]
    """Returns how often something has held up the daemon for a second or more."""
    finders: list[Finder] = field(factory=list)
    """Find further troubles; any part may add to them."""

    poller: Poller
    push_watch: PushWatch
    drops: OwnedDrops
    poster: Poster
    acknowledgements: Acknowledgements
    webhooks: Callable[[], list[WebhookState]]
    limits: Callable[[], StrangerLimits]
    proxy: Callable[[], ProxyView | None]
    inbox: InboxReader
    journal: Journal
    store_watch: StoreWatch
    counts: Counts
    stale_after: Callable[[], float]
    clock: IReactorTime
    now: Callable[[], float]
    started: float
    """In seconds on the clock."""

    _log = Logger()

    async def status(self) -> DaemonStatusView:
        """Return the state of the daemon."""
        counts, troubles = await self.look()
        clock = self.clock.seconds()
        wall_minus_clock = self.now() - clock
        return DaemonStatusView(
            status="running",
            version=qabel.__version__,
            uptime=round(clock - self.started, 1),
            healthy=not any(each.unhealthy for each in troubles),
            troubles=[each.what for each in troubles],
            trouble_details=self._details(troubles, wall_minus_clock),
            drop_servers=self._servers(wall_minus_clock),
            push=PushView(self.push_watch.connected),
            proxy=self.proxy(),
            received=ReceivedView(**asdict(self.counts)),
            posted=self._posted(),
            disk=self._disk(wall_minus_clock),
            inbox=InboxCountsView(self.inbox.messages, self.journal.newest),
            strangers=None if counts is None else self._strangers(counts.strangers),
            outbox=None if counts is None else self._outbox(counts.outbox),
            acknowledgements=(
                None if counts is None else AcknowledgementsView(**asdict(counts.acknowledgements))
            ),
            backup=BACKUP,
            stalls=self.stalls(),
        )

    async def health(self) -> list[str]:
        """Return the reasons why the daemon is unhealthy; an empty list if it is healthy.

        Anybody may read them: they name no server and no file.
        """
        _, troubles = await self.look()
        return list(dict.fromkeys(each.row.unhealthy_text for each in troubles if each.unhealthy))

    async def look(self) -> tuple[StoreCounts | None, list[Trouble]]:
        """Return what is in the database, None if that does not respond, and all troubles."""
        counts, failed = None, None
        try:
            counts = await self.store.ask()
        except (StoreError, DeferredTimeout) as error:
            failed = store_trouble(error)
        found = self.store_watch.troubles()
        if failed is not None and failed.kind not in {each.kind for each in found}:
            found.append(failed)
        for finder in (*self._finders(counts), *self.finders):
            try:
                found += finder()
            except Exception:  # noqa: BLE001 - the other parts are to be reported all the same
                name = getattr(finder, "__qualname__", type(finder).__name__)
                self._log.failure("Looking for trouble failed", log_subject=name)
                what = "A part of the daemon could not be checked; the log has details."
                found.append(Trouble(TroubleKind.CHECK_FAILED, what, name))
        # That a server wants another group token is found by reading as well as by sending.
        found = list(dict.fromkeys(without_consequences(found)))
        self.history.note(found)
        return counts, found

    def _finders(self, counts: StoreCounts | None) -> Iterable[Finder]:
        """Return what finds the troubles that need what is in the database, or only the clock."""
        now = self.clock.seconds()

        def sending() -> list[Trouble]:
            oldest = None if counts is None else self._oldest_wait(counts.outbox)
            return sending_trouble(oldest, self.poster.unkept, self.poster.failing())

        def strangers() -> list[Trouble]:
            if counts is None:
                return []
            limits, kept = self.limits(), counts.strangers
            lacking = kept.lacking_room(limits)
            return stranger_trouble(kept.kept_bytes, limits.quota, lacking)

        def webhooks() -> list[Trouble]:
            return webhook_trouble(self.webhooks(), {} if counts is None else counts.undelivered)

        return (
            lambda: disk_trouble(self.store_watch.full_since, now),
            lambda: receiving_trouble(
                self.poller.servers, now, self.stale_after(), self.push_watch.heard()
            ),
            lambda: reading_trouble(drops_by_server(self.drops.known)),
            sending,
            strangers,
            webhooks,
        )

    def _details(self, troubles: Iterable[Trouble], wall_minus_clock: float) -> list[TroubleView]:
        return [
            TroubleView(
                kind=each.kind,
                what=each.what,
                advice=each.row.advice,
                unhealthy=each.unhealthy,
                since=int((self.history.since(each) + wall_minus_clock) * 1000),
            )
            for each in troubles
        ]

    def _servers(self, wall_minus_clock: float) -> list[ServerView]:
        push = self.push_watch.by_server()
        drops = drops_by_server(self.drops.known)
        return [
            server_view(
                each,
                drops.get(each.server, ()),
                wall_minus_clock,
                interval=self.poller.interval_of(each.server),
                push=push[each.server].text if each.server in push else "off",
            )
            for each in self.poller.servers.values()
        ]

    def _oldest_wait(self, counts: OutboxCounts) -> float | None:
        if counts.oldest_queued is None:
            return None
        # The clock may have been set back since.
        return max(0.0, self.now() - counts.oldest_queued / 1000)

    def _disk(self, wall_minus_clock: float) -> DiskView:
        since = self.store_watch.full_since
        return DiskView(
            full=since is not None,
            full_since=None if since is None else int((since + wall_minus_clock) * 1000),
        )

    def _posted(self) -> PostedView:
        """Return the attempts to post messages and acknowledgements."""
        own, others = self.poster, self.acknowledgements
        counts = {each: own.counts[each] + others.counts[each] for each in own.counts}
        return PostedView(**counts, seconds=round(own.seconds + others.seconds, 3))

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
