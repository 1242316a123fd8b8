"""The core service: the one object that REST, command line, modules and embedders talk to."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qabel.core.access import TokenBook
from qabel.core.errors import Conflict, Invalid, StoreError
from qabel.core.journal.inbox import InboxReader
from qabel.core.journal.journal import Log
from qabel.core.journal.webhooks import Webhooks
from qabel.core.network import DropServers, Network
from qabel.core.people.people import Directory
from qabel.core.receiving import dates
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import Pushes
from qabel.core.receiving.receiver import FULL_READ_INTERVAL, Receiver
from qabel.core.sending.outbox import Sender
from qabel.core.sending.poster import Poster
from qabel.core.settings import LiveDocument
from qabel.core.status.disk_space import Room, WatchedDatabase
from qabel.core.status.health import STALE_AFTER
from qabel.core.status.report import Reporter
from qabel.core.workers import Workers
from qabel.drop.url import DropURL
from qabel.net.webhook_client import WebhookClient
from qabel.settings.items import Identity
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.synced import SYNCED, SyncedSettings
from qabel.store.database.disk_space import has_disk_space
from qabel.store.database.errors import AlreadyThere
from qabel.store.documents import Documents
from qabel.store.file_names import BACKUPS, DATABASE, TOKEN
from qabel.store.inbox.repository import Inbox, StoredBatch
from qabel.store.journal.cursors import Cursors
from qabel.store.journal.entries import JournalEntries
from qabel.store.journal.numbers import JournalEvents
from qabel.store.key_record import KeySource
from qabel.store.outbox.repository import Outbox
from qabel.store.tokens import Tokens
from qabel.store.webhooks import WebhookRepository

HOUSEKEEPING = 3600.0
"""Seconds between two clearings of what is past its time."""

KEEP_SETTLED = 90 * 24 * 3600.0
"""Seconds that what was sent, and is settled, can be looked up."""

KEEP_READERS = 400 * 24 * 3600.0
"""Seconds that a reader may be away without losing its place."""

FAR_FUTURE = 1e11
"""Seconds since the epoch. What is not in hand was never tried since the start: it is due now,
whatever the clock was when it was kept."""

MOST_AT_ONCE = 10_000
"""Postings taken from the outbox at one time; those past it follow with the housekeeping."""


@frozen
class CoreOptions:
    """What can be chosen. Times in seconds."""

    full_read_interval: float = FULL_READ_INTERVAL
    stale_after: float = STALE_AFTER
    drop_id_bits: int = 256
    """Random bits in the ids of new drops."""
    push: bool = True
    webhook_origins: frozenset[str] = frozenset()
    """Origins, besides loopback, that webhooks may call: ``https://host:port``."""
    token_mode: int = 0o600


class CoreService(MultiService):
    """Everything that the daemon does, with no HTTP around it.

    After ``open`` its parts are there: ``local`` and ``synced`` (the settings), ``directory``,
    ``inbox``, ``outbox``, ``log``, ``tokens``. Once started as a service it polls and posts.
    """

    _log = Logger()

    local: LiveDocument[LocalSettings]
    synced: LiveDocument[SyncedSettings]
    directory: Directory
    inbox: InboxReader
    outbox: Sender
    log: Log
    tokens: TokenBook
    webhooks: Webhooks
    poller: Poller
    receiver: Receiver

    def __init__(
        self,
        data_directory: Path,
        keys: KeySource,
        *,
        network: Network | None = None,
        reactor: Any,
        now: Callable[[], float] = time.time,
        options: CoreOptions | None = None,
    ) -> None:
        """Prepare; the disk is not touched before ``open``.

        Args:
            data_directory: exists, and is for its owner alone.
            keys: where the key of the database comes from.
            network: speaks to drop servers; the real ones, other than in tests.
            reactor: threads, and the clock of all schedules.
            now: seconds since the epoch.
            options: what can be chosen.

        """
        super().__init__()
        self.data_directory = data_directory
        self._reactor = reactor
        self.configured_servers: frozenset[str] = frozenset()
        """The drop servers that the user chose: they may be anywhere, and use http."""
        self._network = network or DropServers(reactor, lambda: self.configured_servers)
        self._now = now
        self._options = options or CoreOptions()
        self._hooks = WebhookClient(reactor, allowed=self._options.webhook_origins.__contains__)
        self._database = WatchedDatabase(data_directory / DATABASE, keys, reactor=reactor)
        self._workers = Workers(reactor)
        self._started = reactor.seconds()
        self._opened = False
        self._housekeeping = LoopingCall(self._clear)
        self._housekeeping.clock = reactor

    async def open(self) -> None:
        """Open the database, and load what is held in memory. Raises StoreError or CoreError."""
        await self._database.open()
        self._outbox = Outbox(self._database)
        self._events = JournalEvents(self._database)
        places = Cursors(self._database)
        state = await places.load()
        self.log = Log(
            JournalEntries(self._database),
            clock=self._reactor,
            database_id=state.database_id,
            last_seq=state.last_seq,
            floor=state.floor,
        )
        await self._load_settings()
        self._build(places, state)
        self._build_reporter()
        await self.tokens.load()
        await self.webhooks.load()
        self._workers.start()
        self._opened = True

    async def _load_settings(self) -> None:
        documents = Documents(self._database)
        self.local = LiveDocument("settings", LOCAL, documents, self._now)
        self.synced = LiveDocument("synced", SYNCED, documents, self._now)
        await self.local.load()
        await self.synced.load()
        self.local.on_change(self._local_changed)
        self.synced.on_change(self._synced_changed)

    def _build(self, places: Cursors, state: Any) -> None:
        """Put the parts together, from the disk up."""
        shelf = Inbox(self._database)
        self.directory = Directory(self.synced, drop_id_bits=self._options.drop_id_bits)
        self.tokens = TokenBook(
            self.data_directory / TOKEN,
            Tokens(self._database),
            self._synced_now,
            now=self._now,
            mode=self._options.token_mode,
        )
        self._build_receiving(shelf)
        self.inbox = InboxReader(
            shelf,
            places,
            self.log,
            state,
            clock=self._reactor,
            now=self._now,
            poll=self.poller.poll_now,
        )
        self._build_sending()
        self._room = Room(self._try_room, self._go_on, self._reactor)
        self._database.on_full = self._room.missing
        for part in (self._room, self._poster, self.poller, self._pushes, self.webhooks):
            part.setServiceParent(self)

    def _synced_now(self) -> SyncedSettings:
        return self.synced.value

    def _build_receiving(self, shelf: Inbox) -> None:
        self.receiver = Receiver(
            self._network,
            shelf,
            self._workers,
            self._synced_now,
            self._kept,
            self._note_dates,
            clock=self._reactor,
            now=self._now,
            full_read_interval=self._options.full_read_interval,
        )
        interval = self.local.value.poll_interval
        self.poller = Poller(self.receiver.read, self._reactor, interval=interval)
        self._pushes = Pushes(self._network.listen, self.receiver.read)

    def _build_sending(self) -> None:
        clock, now = self._reactor, self._now
        self._poster = Poster(self._network, self._outbox, self.log.advanced, clock=clock, now=now)
        self.outbox = Sender(
            self._outbox, self._poster, self._workers, self._synced_now, clock=clock, now=now
        )
        self.webhooks = Webhooks(
            WebhookRepository(self._database),
            self.log,
            self._hooks.post_json,
            self._hooks.may_call,
            clock=clock,
            now=now,
        )

    def _build_reporter(self) -> None:
        self._reporter = Reporter(
            poller=self.poller,
            pushes=self._pushes,
            poster=self._poster,
            outbox=self._outbox,
            inbox=self.inbox,
            log=self.log,
            room=self._room,
            counts=self.receiver.counts,
            stale_after=self._stale_after,
            clock=self._reactor,
            now=self._now,
            started=self._started,
        )

    def startService(self) -> None:
        """Begin to poll and to post; to be called after ``open``."""
        super().startService()
        self._follow_drops(self.synced.value)
        self._cleared = self._housekeeping.start(HOUSEKEEPING, now=True).addErrback(
            lambda failure: self._log.failure("housekeeping ended", failure)
        )
        self._post_what_waits()

    async def close(self) -> None:
        """Stop, close all connections, and close the database."""
        if self.running:
            await maybeDeferred(self.stopService)
        self._workers.stop()
        await self._network.close()
        await self._hooks.close()
        if self._opened:
            # Not waited for: should the disk hang, closing the database is what has a time limit.
            Deferred.fromCoroutine(self.tokens.keep_uses())
        await self._database.close()

    def stopService(self) -> "Deferred[Any]":
        """End polling, posting and housekeeping; fires when the last round has ended."""
        if self._housekeeping.running:
            self._housekeeping.stop()
        stopped: Deferred[Any] = maybeDeferred(super().stopService)
        return stopped.addCallback(lambda _: self._cleared)

    # What is told to whom

    def _local_changed(self, before: LocalSettings, after: LocalSettings, seq: int | None) -> None:
        self.poller.set_interval(after.poll_interval)
        self._advanced(seq)

    def _synced_changed(
        self, before: SyncedSettings, after: SyncedSettings, seq: int | None
    ) -> None:
        self._follow_drops(after)
        self._advanced(seq)

    def _advanced(self, seq: int | None) -> None:
        if seq is not None:
            self.log.advanced(seq)

    def _follow_drops(self, synced: SyncedSettings) -> None:
        """Have the drops of all living identities read from now on, and no others."""
        owners = _owners(synced)
        chosen = {server.server for server in synced.drop_servers if server.living}
        before = self.configured_servers
        self.configured_servers = frozenset(chosen | {url.server for url in owners})
        if not self.configured_servers <= before:
            # Some messages may have waited for just this leave.
            self._poster.try_again()
        self.receiver.set_owners(owners)
        self.poller.set_drops(owners)
        if self._options.push:
            self._pushes.set_drops(owners)

    def _kept(self, kept: StoredBatch) -> None:
        """Tell the news of a commit, in this order: whoever wakes up finds everything in place."""
        if kept.messages:
            self.inbox.arrived(kept.messages[-1].id, len(kept.messages))
        self.log.advanced(kept.last_seq)
        if kept.acknowledgements or kept.receipts:
            self._post_what_waits()

    async def _note_dates(self, received: list[str]) -> None:
        def make(old: LocalSettings, now: int) -> LocalSettings:
            return evolve(old, drop_last_update=dates.newest([old.drop_last_update, *received]))

        await self.local.change(make, event=False)

    def _try_room(self) -> "Deferred[bool]":
        return self._workers.run(has_disk_space, self._database.path)

    def _go_on(self) -> None:
        """Do what waited for room on the disk."""
        self.poller.poll_now()
        self._poster.try_again()
        self._post_what_waits()

    def _post_what_waits(self) -> None:
        work = Deferred.fromCoroutine(self._post_due())
        work.addErrback(lambda failure: self._log.failure("the outbox could not be read", failure))

    async def _post_due(self) -> None:
        under_way = self._poster.under_way
        self._poster.add(await self._outbox.due(FAR_FUTURE, MOST_AT_ONCE, underway=under_way))

    async def _clear(self) -> None:
        """Clear what is past its time. A failure ends this time only."""
        now = self._now()
        try:
            self.log.forgotten(await self._events.prune(now))
            await self._outbox.expire(now - KEEP_SETTLED, now=now)
            await self.inbox.expire(now - KEEP_READERS)
            await self.tokens.keep_uses()
            await self._post_due()
            # A stop does not wait until all is forgotten: the next start goes on.
            while self.running and await self.receiver.forget_another_drop():
                continue
        except StoreError as error:
            self._log.warn("Housekeeping was put off: {error}", error=str(error))

    # What it says of itself

    async def status(self) -> dict[str, Any]:
        """Describe how the daemon is: JSON-ready, with no drop id and no key in it."""
        return await self._reporter.status()

    async def health(self) -> list[str]:
        """Tell why the daemon is unfit, if it is: an empty list is good health."""
        return await self._reporter.health()

    def _stale_after(self) -> float:
        return max(self._options.stale_after, 3 * self.local.value.poll_interval)

    async def backup(self, name: object) -> dict[str, Any]:
        """Write a copy of the database, encrypted under the same key, into ``backups``.

        Raises Invalid for a name that is none, Conflict if there is such a file.
        """
        if name is None:
            name = time.strftime("%Y%m%dT%H%M%SZ.db", time.gmtime(self._now()))
        if not isinstance(name, str) or not _is_file_name(name):
            raise Invalid("A backup's name is letters, digits, dots and dashes: at most 100.")
        folder = self.data_directory / BACKUPS
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / name
        try:
            await self._database.backup(target)
        except AlreadyThere as error:
            raise Conflict(str(error)) from None
        return {"path": str(target), "size": target.stat().st_size}


def _owners(synced: SyncedSettings) -> Mapping[DropURL, list[Identity]]:
    owners: dict[DropURL, list[Identity]] = {}
    for identity in synced.living_identities:
        for url in identity.drops:
            owners.setdefault(url, []).append(identity)
    return owners


def _is_file_name(name: str) -> bool:
    letters = name.replace("-", "").replace(".", "").replace("_", "")
    return 0 < len(name) <= 100 and letters.isascii() and letters.isalnum() and name[0] != "."
