"""What all parts of the core share: the open database, settings, journal, network and workers."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from qabel.core.acknowledgement_times import AcknowledgementTimes
from qabel.core.inbox.reader import InboxState
from qabel.core.journal.cursor_marks import CursorMarks
from qabel.core.journal.journal import Journal
from qabel.core.network import DropServers, Network
from qabel.core.options import CoreOptions
from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.sending.heard_from import HeardFrom
from qabel.core.sending.time_stamps import TimeStamps
from qabel.core.settings import SettingsDocument
from qabel.core.workers import Workers
from qabel.net.group_tokens import GroupTokens
from qabel.net.isolation import Isolation
from qabel.net.proxy import Proxy
from qabel.net.webhook_client import WebhookClient
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.synced import SYNCED, SyncedSettings
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.documents import DocumentRepository
from qabel.store.file_names import DATABASE
from qabel.store.journal.cursors import CursorRepository, JournalState
from qabel.store.journal.entries import JournalEntries
from qabel.store.key_record import KeySource
from qabel.store.outbox import acknowledgements
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.purged_keys import PurgedKeys


@define(eq=False)
class ConfiguredServers:
    """The drop servers that the user trusts: they may have any address, and use http."""

    urls: frozenset[str] = field(default=frozenset(), repr=False)
    """Their URLs, in normal form."""
    own: frozenset[str] = field(default=frozenset(), repr=False)
    """The URLs of the servers of the user's own drops, which are not trusted for that alone."""
    tested: set[str] = field(factory=set, repr=False)
    """Those that are being tested by somebody who may add any; see ``qabel.core.servers``."""
    group_tokens: GroupTokens = field(factory=GroupTokens, repr=False)
    """The tokens of those that are for closed groups."""

    @property
    def trusted(self) -> frozenset[str]:
        """All of them."""
        return self.urls | self.tested if self.tested else self.urls


@define(eq=False)
class OwnedKinds:
    """The kinds of messages that modules own."""

    kinds: frozenset[str] = frozenset()


@frozen(kw_only=True, eq=False)
class Foundation:
    """What all parts of the core share, once the database is open."""

    data_directory: Path
    options: CoreOptions
    reactor: Any
    now: Callable[[], float]
    database: Database
    keys: KeySource
    """Where the key of the database is."""
    workers: Workers
    network: Network
    proxy: Proxy
    """For every client of servers, whatever they are for; webhooks do not go through it."""
    servers: ConfiguredServers
    isolation: Isolation
    webhook_client: WebhookClient
    local: SettingsDocument[LocalSettings]
    synced: SettingsDocument[SyncedSettings]
    journal: Journal
    cursors: CursorRepository
    inbox_state: InboxState
    stamps: TimeStamps
    heard_from: HeardFrom = field(init=False)
    purged: PurgedKeys = field(factory=PurgedKeys)
    owned: OwnedKinds = field(factory=OwnedKinds)
    draw: Draw = draw_securely
    """Returns a random number in [0, 1); all times that servers can see are drawn with it."""
    times: AcknowledgementTimes = field(init=False)
    """When acknowledgements are sent."""

    @times.default
    def _times_of_settings(self) -> AcknowledgementTimes:
        return AcknowledgementTimes(
            self.reactor,
            self.now,
            lambda: self.local.value.privacy,
            partial(exponential, draw=self.draw),
        )

    @property
    def key_files(self) -> Sequence[tuple[Path, str]]:
        """The files that the key depends on, each with the name of its content.

        The first has the key itself. A source that an application brings need not know of any.
        """
        return tuple(getattr(self.keys, "files", ()))

    def known_kinds(self) -> frozenset[str] | None:
        """Return the kinds that modules own, if others are refused; else None."""
        refuses = self.local.value.inbox.unknown_kinds == "refuse"
        return self.owned.kinds if refuses else None

    def synced_now(self) -> SyncedSettings:
        """Return the present synced settings."""
        return self.synced.value

    @heard_from.default
    def _heard_from_in_database(self) -> HeardFrom:
        return HeardFrom(OutboxRepository(self.database).heard_from)

    async def close(self) -> None:
        """Close all connections, then the database."""
        self.workers.stop()
        await self.network.close()
        await self.webhook_client.close()
        await self.database.close()


async def lay_foundation(
    data_directory: Path,
    keys: KeySource,
    *,
    network: Network | None,
    reactor: Any,
    now: Callable[[], float],
    options: CoreOptions,
    draw: Draw = draw_securely,
) -> Foundation:
    """Open the database for ``CoreService.open``, with the same arguments. Raises StoreError."""
    database = Database(data_directory / DATABASE, keys, reactor=reactor)
    servers, isolation = ConfiguredServers(), Isolation(is_linkable=options.linkable)
    workers, stamps = Workers(reactor), TimeStamps(now)
    try:
        await database.open()
        state = await CursorRepository(database).load()
        local, synced = await _load_settings(database, workers, now)
        stamps.load(await OutboxRepository(database).newest_time_stamps())
    except BaseException:
        await database.close()
        raise
    workers.start()
    proxy = Proxy(options.proxy or local.value.privacy.proxy, seconds=reactor.seconds)
    return Foundation(
        data_directory=data_directory,
        options=options,
        reactor=reactor,
        now=now,
        database=database,
        workers=workers,
        network=network or _drop_servers(reactor, servers, isolation, proxy),
        proxy=proxy,
        servers=servers,
        isolation=isolation,
        draw=draw,
        webhook_client=WebhookClient(reactor, allowed=options.webhook_origins.__contains__),
        local=local,
        synced=synced,
        journal=_journal(database, state, reactor),
        cursors=CursorRepository(database),
        stamps=stamps,
        keys=keys,
        inbox_state=InboxState(dict(state.consumers), state.newest_message, state.messages),
    )


def _drop_servers(
    reactor: Any, servers: ConfiguredServers, isolation: Isolation, proxy: Proxy
) -> DropServers:
    return DropServers(
        reactor,
        lambda: servers.trusted,
        lambda: servers.own,
        isolation,
        proxy,
        servers.group_tokens,
    )


def _journal(database: Database, state: JournalState, reactor: Any) -> Journal:
    return Journal(
        entries=JournalEntries(database),
        clock=reactor,
        marks=CursorMarks(state.starts, database.start_mark, state.last_seq),
        last_seq=state.last_seq,
        floor=state.floor,
    )


def _follow_local(connection: Connection, before: LocalSettings, after: LocalSettings) -> None:
    """Drop the acknowledgements that wait if there are to be none any more."""
    if after.privacy.acknowledge == "never" != before.privacy.acknowledge:
        acknowledgements.clear(connection)


async def _load_settings(
    database: Database, workers: Workers, now: Callable[[], float]
) -> tuple[SettingsDocument[LocalSettings], SettingsDocument[SyncedSettings]]:
    documents = DocumentRepository(database)
    local = SettingsDocument("settings", LOCAL, documents, now, workers.run, follow=_follow_local)
    synced = SettingsDocument("synced", SYNCED, documents, now, workers.run)
    await local.load()
    await synced.load()
    return local, synced
