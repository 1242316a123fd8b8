"""Connect the parts of the core: what one part changes is passed on to the others."""

from collections.abc import Mapping
from typing import Protocol

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.foundation import Foundation
from qabel.core.inbox.reader import InboxReader
from qabel.core.receiving import server_dates
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.receiving.second_look import SecondLook
from qabel.core.receiving.server_presence import ServerPresence
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.address_book import address_book
from qabel.core.sending.poster import Poster
from qabel.core.sending.send_schedule import LEARNED_AFTER, SOON_AFTER
from qabel.core.tokens import TokenBook
from qabel.drop.url import DropURL
from qabel.net.addresses import is_private_server
from qabel.settings.items import Identity
from qabel.settings.local import LocalSettings
from qabel.settings.synced import SyncedSettings
from qabel.store.database.errors import StoreClosed, StoreError
from qabel.store.inbox.keeping import StoredBatch
from qabel.store.outbox.repository import OutboxRepository

FAR_FUTURE = 1e11
"""Seconds since the epoch, later than any retry: a posting that is not in progress was not
attempted since the start, and is due now, whatever the clock was when it was stored."""

MOST_AT_ONCE = 10_000
"""Postings loaded from the outbox at a time; further ones follow with the housekeeping."""


class Listeners(Protocol):
    """The parts that changes are passed on to: those of ``CoreService``."""

    @property
    def drops(self) -> OwnedDrops:
        """The drops that are read."""

    @property
    def presence(self) -> ServerPresence:
        """What reading drops shows of their servers."""

    @property
    def poller(self) -> Poller:
        """Polls the drop servers."""

    @property
    def push_watch(self) -> PushWatch:
        """Watches drops by push."""

    @property
    def second_look(self) -> SecondLook:
        """Looks again at messages that were not kept."""

    @property
    def poster(self) -> Poster:
        """Posts the outbox."""

    @property
    def acknowledgements(self) -> Acknowledgements:
        """Sends acknowledgements."""

    @property
    def inbox(self) -> InboxReader:
        """Received messages."""

    @property
    def tokens(self) -> TokenBook:
        """The tokens of the API."""


@define(eq=False)
class Wiring:
    """Passes on what one part of the core changes to the other parts."""

    _base: Foundation
    _to: Listeners = field(init=False)
    _have_contacts_changed: bool = field(default=True, init=False)
    """Whether the outbox is to follow them: also at the start, in case a change was cut short."""

    _log = Logger()

    def connect(self, to: Listeners) -> None:
        """Set the parts, and listen to changes of the settings."""
        self._to = to
        self._base.local.on_change(self._local_changed)
        self._base.synced.on_change(self._synced_changed)

    def begin(self) -> None:
        """Start reading drops and posting the outbox."""
        self._follow_group_tokens(self._base.synced.value)
        self._follow_drops(self._base.synced.value)
        self._post_what_waits()

    def kept(self, kept: StoredBatch) -> None:
        """Announce received messages that were committed.

        The inbox comes before the journal, so that a reader that wakes up finds the messages.
        """
        if kept.messages:
            self._to.inbox.arrived(kept.messages[-1].id, len(kept.messages))
        self._base.heard_from.forget()
        self._base.journal.advance(kept.last_seq)
        if kept.refused:
            self._to.second_look.were_refused()
        if kept.next_acknowledgement is not None:
            self._to.acknowledgements.added(kept.next_acknowledgement)
        if kept.receipts:
            self._post_what_waits(LEARNED_AFTER)

    def blocked_changed(self) -> None:
        """Send no acknowledgements to whoever was blocked."""
        self._to.acknowledgements.people_changed()

    def server_works(self, owner: bytes, server: str, had_failed: bool) -> None:
        """Post what an owner of drops has waiting for a server that something was read from."""
        self._to.poster.server_works(owner, server, had_failed=had_failed)

    async def note_dates(self, received: list[str]) -> None:
        """Note in the local settings when the newest message arrived, as servers state it."""

        def make(old: LocalSettings, now: int) -> LocalSettings:
            return evolve(
                old, drop_last_update=server_dates.newest([old.drop_last_update, *received], now)
            )

        await self._base.local.change(make, event=False)

    def go_on(self) -> None:
        """Resume reading and posting when the database can be written again.

        The poster stores the outcomes that it holds by itself, each at a time of its own.
        """
        self._to.poller.go_on()
        self._post_what_waits()

    async def post_due(self, spread: float = SOON_AFTER) -> None:
        """Post what is due and not in progress already.

        Args:
            spread: seconds after which each queue begins on average.

        Raises:
            StoreError: the outbox could not be read.

        """
        outbox = OutboxRepository(self._base.database)
        if self._have_contacts_changed:
            await self._follow_contacts(outbox)
        under_way = self._to.poster.under_way
        # Receipts, deletions and moved contacts settle what need not be posted any more.
        self._to.poster.forget_postings(await outbox.no_longer_waiting(under_way))
        under_way = self._to.poster.under_way
        due = await outbox.due(FAR_FUTURE, MOST_AT_ONCE, underway=under_way)
        self._to.poster.add(due, spread=spread)

    async def _follow_contacts(self, outbox: OutboxRepository) -> None:
        """Have what is queued follow its recipients. If it fails, the next call tries again."""
        self._have_contacts_changed = False
        addresses = address_book(self._base.synced.value)
        try:
            self._base.journal.advance(await outbox.follow(addresses, now=self._base.now()))
        except BaseException:
            self._have_contacts_changed = True
            raise

    def _post_what_waits(self, spread: float = SOON_AFTER) -> None:
        Deferred.fromCoroutine(self.post_due(spread)).addErrback(self._post_later)

    def _post_later(self, failure: Failure) -> None:
        """Leave what waits to the housekeeping, or to the next start."""
        if failure.check(StoreClosed):
            return
        if failure.check(StoreError):
            self._log.warn("Cannot read the outbox at present: {error}", error=str(failure.value))
        else:
            self._log.failure("Reading the outbox failed unexpectedly", failure)

    def _local_changed(self, before: LocalSettings, after: LocalSettings, seq: int | None) -> None:
        if self._base.options.proxy is None:
            # Before anything else is sent: nothing may take the old way any more.
            self._base.proxy.use(after.privacy.proxy)
        self._to.poller.set_interval(after.poll_interval)
        if before.privacy.acknowledge != after.privacy.acknowledge:
            self._to.acknowledgements.people_changed()
        self._advance(seq)

    def _synced_changed(
        self, before: SyncedSettings, after: SyncedSettings, seq: int | None
    ) -> None:
        # Before anything else can run: who was allowed one of the identities may see no other.
        self._end_tokens()
        self._base.heard_from.forget()
        self._base.purged.remove(each.public_key.raw for each in after.living_identities)
        self._follow_group_tokens(after)
        self._follow_drops(after)
        self._advance(seq)
        if (before.identities, before.contacts) != (after.identities, after.contacts):
            self._to.acknowledgements.people_changed()
        if before.contacts != after.contacts:
            self._have_contacts_changed = True
            self._post_what_waits()

    def _end_tokens(self) -> None:
        """End the tokens whose identity is gone. What fails on disk is done at the next start."""
        Deferred.fromCoroutine(self._to.tokens.end_with_identities()).addErrback(
            lambda failure: self._log.warn(
                "Cannot delete the tokens of an identity: {error}", error=str(failure.value)
            )
        )

    def _advance(self, seq: int | None) -> None:
        if seq is not None:
            self._base.journal.advance(seq)

    def _follow_group_tokens(self, synced: SyncedSettings) -> None:
        """Send every request with the tokens that are set now, and repeat soon what failed."""
        changed = self._base.servers.group_tokens.set(synced.group_tokens)
        if changed:
            self._to.poster.try_again(changed)
            polled = [self._to.poller.servers.get(each) for each in changed]
            self._to.poller.poll_now(url for each in polled if each for url in each.drops)
            self._to.push_watch.reconnect(changed)

    def _follow_drops(self, synced: SyncedSettings) -> None:
        """Read the drops of all identities from now on, and no others."""
        owners = _owners(synced)
        chosen = {server.server for server in synced.drop_servers if server.living}
        servers = self._base.servers
        before = servers.urls | servers.own
        servers.own = frozenset(url.server for url in owners)
        # Only an explicit act of the user gives an identity a drop that is private by its text. A
        # name that merely leads to a private address may come from a file of somebody else.
        servers.urls = frozenset(chosen | set(filter(is_private_server, servers.own)))
        # Messages to a server that is trusted only now may have failed so far.
        self._to.poster.try_again((servers.urls | servers.own) - before)
        self._base.isolation.set_owners(
            {url: [each.public_key.raw for each in some] for url, some in owners.items()}
        )
        self._to.presence.set_drops(
            owners, (each.public_key.raw for each in synced.living_identities)
        )
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
