"""Build the parts that report the daemon's state, and look for trouble."""

import os
import time
from collections.abc import Callable, Iterable

from attrs import frozen
from twisted.internet.defer import Deferred

from qabel.core.foundation import Foundation
from qabel.core.housekeeping import Housekeeping
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.webhooks import Webhooks
from qabel.core.main_token import MainToken
from qabel.core.receiving.intake import Counts
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.receiving.second_look import stranger_limits
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.poster import Poster
from qabel.core.status.machine import ClockWatch, FilesAndDisk
from qabel.core.status.part_troubles import (
    encryption_trouble,
    failure_trouble,
    isolation_trouble,
    not_stored_trouble,
    poller_trouble,
    push_trouble,
    worker_trouble,
)
from qabel.core.status.proxy_report import proxy_trouble, proxy_view
from qabel.core.status.push_note import PushNote
from qabel.core.status.report import Finder, Reporter
from qabel.core.status.store_probe import StoreProbe
from qabel.core.status.store_watch import StoreWatch
from qabel.core.status.trouble_history import TroubleHistory
from qabel.core.status.trouble_watch import TroubleWatch
from qabel.core.status.troubles import TroubleKind
from qabel.core.status.watched_file import WatchedFile, remembered
from qabel.host.private_files import OTHERS
from qabel.store.database.disk_space import has_disk_space
from qabel.store.database.errors import StoreFull
from qabel.store.inbox.strangers import StrangerRepository
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.webhooks import WebhookRepository


@frozen(kw_only=True, eq=False)
class Watched:
    """The parts whose state is reported."""

    poller: Poller
    push_watch: PushWatch
    drops: OwnedDrops
    counts: Counts
    poster: Poster
    acknowledgements: Acknowledgements
    webhooks: Webhooks
    store_watch: StoreWatch
    housekeeping: Housekeeping
    inbox: InboxReader
    main_token: MainToken


@frozen(kw_only=True, eq=False)
class Watching:
    """What reports the daemon's state, and looks for trouble."""

    reporter: Reporter
    watch: TroubleWatch
    store: StoreProbe


def build_watching(base: Foundation, parts: Watched) -> Watching:
    """Return what reports the daemon's state, and looks for trouble."""
    files = FilesAndDisk(
        base.workers,
        base.data_directory,
        [*_key_files(base), _token_file(parts.main_token, base.options.token_mode)],
        base.reactor,
    )
    store = StoreProbe(
        outbox=OutboxRepository(base.database),
        acknowledgements=AcknowledgementRepository(base.database),
        strangers=StrangerRepository(base.database),
        webhooks=WebhookRepository(base.database),
        clock=base.reactor,
    )
    push_note = PushNote(parts.push_watch.by_server, lambda: parts.poller.interval)
    watch = TroubleWatch([files.look, push_note.look], base.reactor)
    reporter = Reporter(
        store=store,
        history=TroubleHistory(base.reactor.seconds),
        stalls=lambda: watch.stalls,
        finders=[lambda: files.found, *_finders(base, parts)],
        poller=parts.poller,
        push_watch=parts.push_watch,
        drops=parts.drops,
        poster=parts.poster,
        acknowledgements=parts.acknowledgements,
        webhooks=parts.webhooks.states,
        limits=lambda: stranger_limits(base.local.value.inbox),
        proxy=lambda: proxy_view(base.proxy, base.options.proxy, base.servers.urls),
        inbox=parts.inbox,
        journal=base.journal,
        store_watch=parts.store_watch,
        counts=parts.counts,
        stale_after=lambda: _stale_after(base),
        clock=base.reactor,
        now=base.now,
        started=base.reactor.seconds(),
    )
    watch.looks.append(reporter.look)
    return Watching(reporter=reporter, watch=watch, store=store)


def _stale_after(base: Foundation) -> float:
    # The times of polls are drawn: that one takes so long happens once in three million.
    return max(base.options.stale_after, 8 * base.local.value.poll_interval)


def build_store_watch(base: Foundation, go_on: Callable[[], object]) -> StoreWatch:
    """Return what watches whether the database can be written."""
    path = base.database.path

    async def probe(failing: TroubleKind | None) -> None:
        full = failing is TroubleKind.DISK_FULL
        if full and not await base.workers.run(has_disk_space, path):
            raise StoreFull(f"No space left on the disk that holds {path}.")
        await base.database.probe(by_writing=failing is not None)

    return StoreWatch(lambda failing: Deferred.fromCoroutine(probe(failing)), go_on, base.reactor)


def _finders(base: Foundation, parts: Watched) -> Iterable[Finder]:
    poller = parts.poller
    return (
        ClockWatch(base.now, _steady(base)).look,
        lambda: worker_trouble(base.workers.longest()),
        lambda: poller_trouble(poller.late(), runs=bool(poller.running)),
        lambda: proxy_trouble(base.proxy),
        lambda: not_stored_trouble(poller.servers),
        lambda: push_trouble(
            parts.push_watch.by_server(), poller.servers, poller.interval, base.reactor.seconds()
        ),
        lambda: encryption_trouble(poller.servers),
        lambda: isolation_trouble(is_linkable=base.options.linkable),
        lambda: failure_trouble(TroubleKind.ERASING_FAILING, base.database.erasing.failure),
        lambda: failure_trouble(TroubleKind.HOUSEKEEPING_FAILING, parts.housekeeping.failure),
    )


def _key_files(base: Foundation) -> list[WatchedFile]:
    return [
        WatchedFile(TroubleKind.KEY_FILE, path, what, remembered(path))
        for path, what in base.key_files
    ]


def _token_file(token: MainToken, mode: int) -> WatchedFile:
    return WatchedFile(
        TroubleKind.TOKEN_FILE,
        token.path,
        "The main token",
        token.is_content,
        forbidden=OTHERS & ~mode,
    )


def _steady(base: Foundation) -> Callable[[], float]:
    """Return a clock that cannot be set, and that counts while the machine sleeps."""
    if base.now is not time.time:
        # The time of day is the caller's, and so is the clock that it is compared with.
        seconds: Callable[[], float] = base.reactor.seconds
        return seconds
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    if os.name != "posix" or boot_time is None:
        return time.monotonic
    return lambda: time.clock_gettime(boot_time)
