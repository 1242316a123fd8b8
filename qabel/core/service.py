"""The core service: the object that the REST API, embedding programs and tests use."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred

from qabel.contract.access import EVERYTHING, Access
from qabel.core.accepting import Accepting
from qabel.core.console_sessions import ConsoleSessions
from qabel.core.deleting import Deleting
from qabel.core.foundation import Foundation, OwnedKinds, lay_foundation
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.follower import Followers
from qabel.core.journal.journal import Journal
from qabel.core.journal.webhooks import Webhooks
from qabel.core.network import Network
from qabel.core.options import CoreOptions
from qabel.core.parts import Parts, assemble
from qabel.core.people.blocked import BlockedKeys
from qabel.core.people.cards import Cards
from qabel.core.people.people import People
from qabel.core.purging import Purging
from qabel.core.random_delays import Draw, draw_securely
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.receiving.receiver import Receiver
from qabel.core.receiving.second_look import SecondLook
from qabel.core.receiving.server_presence import ServerPresence
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.outbox import Outbox
from qabel.core.sending.poster import Poster
from qabel.core.settings import SettingsDocument
from qabel.core.status.page_check import PageCheck
from qabel.core.status.report import Finder
from qabel.core.status.views import BackupView, DaemonStatusView
from qabel.core.tokens import TokenBook
from qabel.core.view import CoreView
from qabel.core.wiring import Wiring
from qabel.settings.local import LocalSettings
from qabel.settings.synced import SyncedSettings
from qabel.store.database.database import Database
from qabel.store.key_record import KeySource


@define(eq=False)
class CoreService(MultiService):
    """Everything that the daemon does, independent of HTTP.

    ``await CoreService.open(…)`` returns one. While it runs as a Twisted service, it polls drops,
    posts the outbox and delivers to webhooks.
    """

    _base: Foundation
    _wiring: Wiring = field(init=False)
    _parts: Parts = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__init__()
        self._wiring = Wiring(self._base)
        self._parts = parts = assemble(self._base, self._wiring)
        self._wiring.connect(self)
        for part in (
            parts.store_watch,
            PageCheck(self._base.database.check_some, self._base.reactor),
            parts.poster,
            parts.acknowledgements,
            parts.receiving.presence,
            parts.receiving.poller,
            parts.receiving.push_watch,
            parts.receiving.second_look,
            parts.webhooks,
            parts.housekeeping,
        ):
            part.setServiceParent(self)
        parts.watching.watch.setServiceParent(self)

    @classmethod
    async def open(
        cls,
        data_directory: Path,
        keys: KeySource,
        *,
        network: Network | None = None,
        reactor: Any,
        now: Callable[[], float] = time.time,
        options: CoreOptions | None = None,
        draw: Draw = draw_securely,
    ) -> Self:
        """Open the database, and load what is held in memory.

        Args:
            data_directory: an existing directory that only its owner can read.
            keys: the source of the database's key.
            network: the access to drop servers; None for the real ones.
            reactor: runs threads, and is the clock of all schedules.
            now: returns seconds since the epoch.
            options: the options; None for the defaults.
            draw: returns a random number in [0, 1); the times of requests are drawn with it.

        Raises:
            StoreError: the database cannot be opened.
            TokenFileTrouble: the file of the main token cannot be used.

        """
        used = options or CoreOptions()
        base = await lay_foundation(
            data_directory, keys, network=network, reactor=reactor, now=now, options=used, draw=draw
        )
        try:
            core = cls(base)
            await core._load()
        except BaseException:
            await base.close()
            raise
        return core

    async def _load(self) -> None:
        await self.tokens.load()
        await self.console.load()
        await self.webhooks.load()
        await self.blocked.load()
        self._parts.backups.remove_interrupted()

    # Parts

    @property
    def local(self) -> SettingsDocument[LocalSettings]:
        """The local settings."""
        return self._base.local

    @property
    def synced(self) -> SettingsDocument[SyncedSettings]:
        """The synced settings."""
        return self._base.synced

    @property
    def people(self) -> People:
        """Identities and contacts."""
        return self._parts.view.people

    @property
    def cards(self) -> Cards:
        """Import and export of identities and contacts."""
        return self._parts.view.cards

    @property
    def inbox(self) -> InboxReader:
        """Received messages."""
        return self._parts.view.inbox

    @property
    def accepting(self) -> Accepting:
        """Makes contacts of those who introduce themselves."""
        return self._parts.view.accepting

    @property
    def outbox(self) -> Outbox:
        """Messages that are being sent, or were sent."""
        return self._parts.view.outbox

    @property
    def events(self) -> Followers:
        """Followers of the journal."""
        return self._parts.view.events

    @property
    def database(self) -> Database:
        """The database; only the host of modules uses it from outside the core."""
        return self._base.database

    @property
    def owned(self) -> OwnedKinds:
        """The kinds of messages that modules own; the host of modules says which."""
        return self._base.owned

    @property
    def now(self) -> Callable[[], float]:
        """Returns seconds since the epoch."""
        return self._base.now

    @property
    def journal(self) -> Journal:
        """The event log."""
        return self._base.journal

    @property
    def tokens(self) -> TokenBook:
        """The tokens of the API."""
        return self._parts.tokens

    @property
    def console(self) -> ConsoleSessions:
        """The sessions of the page for people."""
        return self._parts.console

    @property
    def purging(self) -> Purging:
        """Removes identities for good."""
        return self._parts.purging

    @property
    def deleting(self) -> Deleting:
        """Deletes many messages at once."""
        return self._parts.deleting

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks to which new entries of the journal are posted."""
        return self._parts.webhooks

    @property
    def blocked(self) -> BlockedKeys:
        """The public keys whose messages are passed over."""
        return self._parts.blocked

    @property
    def drops(self) -> OwnedDrops:
        """The drops that are read, their owners, and how far each was read."""
        return self._parts.receiving.drops

    @property
    def receiver(self) -> Receiver:
        """Reads drops."""
        return self._parts.receiving.receiver

    @property
    def presence(self) -> ServerPresence:
        """What reading drops shows of their servers."""
        return self._parts.receiving.presence

    @property
    def poller(self) -> Poller:
        """Polls the drop servers."""
        return self._parts.receiving.poller

    @property
    def push_watch(self) -> PushWatch:
        """Watches drops by push."""
        return self._parts.receiving.push_watch

    @property
    def second_look(self) -> SecondLook:
        """Looks again at messages that were not kept."""
        return self._parts.receiving.second_look

    @property
    def poster(self) -> Poster:
        """Posts the outbox."""
        return self._parts.poster

    @property
    def acknowledgements(self) -> Acknowledgements:
        """Sends acknowledgements."""
        return self._parts.acknowledgements

    # Operations

    def view(self, access: Access) -> CoreView:
        """Return the core as a caller sees it."""
        whole = self._parts.view
        return whole if access is EVERYTHING else whole.seen_by(access)

    async def status(self) -> DaemonStatusView:
        """Return the state of the daemon, without drop ids and keys."""
        return await self._parts.watching.reporter.status()

    async def health(self) -> list[str]:
        """Return the reasons why the daemon is unhealthy; an empty list if it is healthy."""
        return await self._parts.watching.reporter.health()

    def add_trouble_finder(self, finder: Finder) -> None:
        """Report the troubles of something around the core too: ``finder`` returns those of now."""
        self._parts.watching.reporter.finders.append(finder)

    async def backup(self, name: str | None = None) -> BackupView:
        """Write a copy of the database to ``backups`` in the data directory.

        ``name`` is the file name; None for one with the date and time. Raises Invalid, Conflict or
        StoreError.
        """
        return await self._parts.backups.write(name)

    def startService(self) -> None:
        """Start polling, posting and delivering to webhooks."""
        super().startService()
        self._wiring.begin()

    async def close(self) -> None:
        """Stop the service, close all connections, and close the database."""
        if self.running:
            await maybeDeferred(self.stopService)
        # Not awaited: if the disk hangs, only closing the database has a time limit.
        Deferred.fromCoroutine(self.tokens.keep_uses())
        await self._base.close()
