"""Who is told what, when something changes in the core."""

from collections.abc import Mapping
from typing import Protocol

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.core.foundation import Foundation
from qabel.core.inbox.reader import InboxReader
from qabel.core.receiving import server_dates
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.sending.poster import Poster
from qabel.drop.url import DropURL
from qabel.settings.items import Identity
from qabel.settings.local import LocalSettings
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.repository import StoredBatch
from qabel.store.outbox.repository import OutboxRepository

FAR_FUTURE = 1e11
"""Seconds since the epoch. What is not in hand was never tried since the start: it is due now,
whatever the clock was when it was kept."""

MOST_AT_ONCE = 10_000
"""Postings taken from the outbox at one time; those past it follow with the housekeeping."""


class Listeners(Protocol):
    """The parts that are told."""

    @property
    def drops(self) -> OwnedDrops:
        """Knows whose drops are read."""

    @property
    def poller(self) -> Poller:
        """Polls them."""

    @property
    def push_watch(self) -> PushWatch:
        """Listens for news of them."""

    @property
    def poster(self) -> Poster:
        """Posts the outbox."""

    @property
    def inbox(self) -> InboxReader:
        """Gives readers what is new."""


@define(eq=False)
class Wiring:
    """Hands on what one part of the core has to say to the others."""

    _base: Foundation
    _to: Listeners = field(init=False)

    _log = Logger()

    def connect(self, to: Listeners) -> None:
        """Begin, once all parts are there."""
        self._to = to
        self._base.local.on_change(self._local_changed)
        self._base.synced.on_change(self._synced_changed)

    def begin(self) -> None:
        """Have drops read, and what waits posted."""
        self._follow_drops(self._base.synced.value)
        self._post_what_waits()

    def kept(self, kept: StoredBatch) -> None:
        """Tell the news of a commit, in this order: whoever wakes up finds everything in place."""
        if kept.messages:
            self._to.inbox.arrived(kept.messages[-1].id, len(kept.messages))
        self._base.journal.advance(kept.last_seq)
        if kept.acknowledgements or kept.receipts:
            self._post_what_waits()

    async def note_dates(self, received: list[str]) -> None:
        """Note when the newest message came, as its drop server stated it."""

        def make(old: LocalSettings, now: int) -> LocalSettings:
            return evolve(
                old, drop_last_update=server_dates.newest([old.drop_last_update, *received])
            )

        await self._base.local.change(make, event=False)

    def go_on(self) -> None:
        """Do what waited for disk space."""
        self._to.poller.poll_now()
        self._to.poster.try_again()
        self._post_what_waits()

    async def post_due(self) -> None:
        """Post what is due, and not in hand already. Raises StoreError."""
        outbox = OutboxRepository(self._base.database)
        under_way = self._to.poster.under_way
        due = await outbox.due(FAR_FUTURE, MOST_AT_ONCE, underway=under_way)
        self._to.poster.add(due)

    def _post_what_waits(self) -> None:
        Deferred.fromCoroutine(self.post_due()).addErrback(
            lambda failure: self._log.failure("the outbox could not be read", failure)
        )

    def _local_changed(self, before: LocalSettings, after: LocalSettings, seq: int | None) -> None:
        self._to.poller.set_interval(after.poll_interval)
        self._advance(seq)

    def _synced_changed(
        self, before: SyncedSettings, after: SyncedSettings, seq: int | None
    ) -> None:
        self._follow_drops(after)
        self._advance(seq)

    def _advance(self, seq: int | None) -> None:
        if seq is not None:
            self._base.journal.advance(seq)

    def _follow_drops(self, synced: SyncedSettings) -> None:
        """Have the drops of all living identities read from now on, and no others."""
        owners = _owners(synced)
        chosen = {server.server for server in synced.drop_servers if server.living}
        servers, before = self._base.servers, self._base.servers.urls
        servers.urls = frozenset(chosen | {url.server for url in owners})
        if not servers.urls <= before:
            # Some messages may have waited for just this leave.
            self._to.poster.try_again()
        self._to.drops.set_owners(owners)
        self._to.poller.set_drops(owners)
        if self._base.options.push:
            self._to.push_watch.set_drops(owners)


def _owners(synced: SyncedSettings) -> Mapping[DropURL, list[Identity]]:
    owners: dict[DropURL, list[Identity]] = {}
    for identity in synced.living_identities:
        for url in identity.drops:
            owners.setdefault(url, []).append(identity)
    return owners
