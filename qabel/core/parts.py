"""Build the parts of the core, and connect them."""

from attrs import frozen

from qabel.core.accepting import Accepting
from qabel.core.backups import Backups
from qabel.core.console_sessions import ConsoleSessions
from qabel.core.deleting import Deleting
from qabel.core.foundation import Foundation
from qabel.core.housekeeping import Housekeeping
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.follower import Followers
from qabel.core.journal.webhooks import Webhooks
from qabel.core.main_token import MainToken
from qabel.core.people.blocked import BlockedKeys
from qabel.core.people.cards import Cards
from qabel.core.people_parts import build_blocked, build_people
from qabel.core.purging import Purging
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.server_presence import ServerPresence
from qabel.core.receiving_parts import Receiving, build_receiving
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.outbox import Outbox
from qabel.core.sending.poster import Poster
from qabel.core.sending.sealing import Sealer
from qabel.core.sending_parts import build_acknowledgements
from qabel.core.servers import Servers
from qabel.core.status.store_watch import StoreWatch
from qabel.core.tokens import TokenBook
from qabel.core.view import CoreView
from qabel.core.watching import Watching, build_store_watch, build_watching
from qabel.core.wiring import Wiring
from qabel.store.console import ConsoleRepository
from qabel.store.database.shrinking import Shrinking
from qabel.store.deletions import DeletionRepository
from qabel.store.file_names import BACKUPS, TOKEN
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.events import JournalEvents
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.tokens import TokenRepository
from qabel.store.webhooks import WebhookRepository


@frozen(kw_only=True, eq=False)
class Parts:
    """All parts of an open core."""

    view: CoreView
    tokens: TokenBook
    console: ConsoleSessions
    webhooks: Webhooks
    blocked: BlockedKeys
    receiving: Receiving
    poster: Poster
    acknowledgements: Acknowledgements
    store_watch: StoreWatch
    housekeeping: Housekeeping
    purging: Purging
    deleting: Deleting
    watching: Watching
    backups: Backups


def build_poster(base: Foundation, outbox: OutboxRepository, presence: ServerPresence) -> Poster:
    """Return the poster of the outbox."""
    return Poster(
        base.network,
        outbox,
        base.journal.advance,
        clock=base.reactor,
        now=base.now,
        no_drop_server=presence.no_drop_server,
        box=Sealer(outbox, base.workers, base.synced_now).box,
        draw=base.draw,
    )


def build_tokens(base: Foundation, main_token: MainToken) -> TokenBook:
    """Return the tokens of the API."""
    return TokenBook(
        main=main_token,
        repository=TokenRepository(base.database),
        synced=base.synced_now,
        now=base.now,
        ended=base.inbox_state.forget_owner,
    )


def build_console(base: Foundation, tokens: TokenBook) -> ConsoleSessions:
    """Return what begins sessions of the page for people."""
    return ConsoleSessions(
        tokens=tokens, repository=ConsoleRepository(base.database), clock=base.reactor
    )


def build_inbox(base: Foundation, receiving: Receiving, tokens: TokenBook) -> InboxReader:
    """Return the reader of the inbox."""
    return InboxReader(
        repository=InboxRepository(base.database),
        cursors=base.cursors,
        journal=base.journal,
        state=base.inbox_state,
        clock=base.reactor,
        now=base.now,
        poll=receiving.reader_polls.poll,
        is_owner=tokens.has,
    )


def build_view(
    base: Foundation,
    outbox: OutboxRepository,
    poster: Poster,
    receiving: Receiving,
    tokens: TokenBook,
) -> CoreView:
    """Return the view of everything that clients may see."""
    people = build_people(base)
    inbox = build_inbox(base, receiving, tokens)
    return CoreView(
        people=people,
        cards=Cards(base.synced, people),
        inbox=inbox,
        accepting=Accepting(
            synced=base.synced,
            people=people,
            inbox=inbox,
            messages_changed=base.journal.read_again,
        ),
        outbox=Outbox(
            repository=outbox,
            poster=poster,
            workers=base.workers,
            synced=base.synced_now,
            stamps=base.stamps,
            heard=base.heard_from,
            introduce=lambda: base.local.value.privacy.introduce,
            clock=base.reactor,
            now=base.now,
        ),
        events=Followers(base.journal),
        servers=Servers(
            synced=base.synced,
            network=base.network,
            trusted=base.servers,
            group_tokens=base.servers.group_tokens,
            clock=base.reactor,
            has_proxy=lambda: base.proxy.url is not None,
        ),
    )


def build_webhooks(base: Foundation) -> Webhooks:
    """Return the webhooks, which are not loaded yet."""
    return Webhooks(
        repository=WebhookRepository(base.database),
        journal=base.journal,
        post=base.webhook_client.post_json,
        may_call=base.webhook_client.may_call,
        clock=base.reactor,
        now=base.now,
    )


def build_purging(
    base: Foundation,
    wiring: Wiring,
    view: CoreView,
    receiving: Receiving,
    poster: Poster,
    tokens: TokenBook,
) -> Purging:
    """Return what removes identities for good."""
    return Purging(
        synced=base.synced,
        database=base.database,
        purged=base.purged,
        inbox=view.inbox,
        poster=poster,
        drops=receiving.drops,
        tokens=tokens,
        post_due=wiring.post_due,
        now=base.now,
    )


def build_deleting(base: Foundation, view: CoreView, poster: Poster) -> Deleting:
    """Return what deletes many messages at once."""
    return Deleting(
        repository=DeletionRepository(base.database),
        inbox=view.inbox,
        poster=poster,
        clock=base.reactor,
        now=base.now,
    )


def build_housekeeping(
    base: Foundation,
    wiring: Wiring,
    *,
    view: CoreView,
    outbox: OutboxRepository,
    tokens: TokenBook,
    purging: Purging,
    deleting: Deleting,
    drops: OwnedDrops,
    acknowledgements: Acknowledgements,
) -> Housekeeping:
    """Return what deletes old data."""
    return Housekeeping(
        journal=base.journal,
        events=JournalEvents(base.database),
        outbox=outbox,
        inbox=view.inbox,
        tokens=tokens,
        purging=purging,
        deleting=deleting,
        drops=drops,
        acknowledgements=acknowledgements,
        shrinking=Shrinking(base.database),
        post_due=wiring.post_due,
        keep_days=lambda: base.local.value.inbox.keep_days,
        clock=base.reactor,
        now=base.now,
    )


def assemble(base: Foundation, wiring: Wiring) -> Parts:
    """Return all parts of a core."""
    outbox = OutboxRepository(base.database, base.purged)
    main_token = MainToken(path=base.data_directory / TOKEN, mode=base.options.token_mode)
    tokens, blocked = build_tokens(base, main_token), build_blocked(base, wiring)
    receiving = build_receiving(base, wiring, blocked)
    acknowledgements = build_acknowledgements(base, blocked, receiving.presence)
    poster = build_poster(base, outbox, receiving.presence)
    view = build_view(base, outbox, poster, receiving, tokens)
    store_watch = _watch_store(base, wiring)
    # What is deleted is not told from memory either.
    base.database.on_erased = base.journal.read_again
    purging = build_purging(base, wiring, view, receiving, poster, tokens)
    deleting = build_deleting(base, view, poster)
    webhooks = build_webhooks(base)
    housekeeping = build_housekeeping(
        base,
        wiring,
        view=view,
        outbox=outbox,
        tokens=tokens,
        purging=purging,
        deleting=deleting,
        drops=receiving.drops,
        acknowledgements=acknowledgements,
    )
    watched = poster, acknowledgements, webhooks, store_watch, housekeeping
    return Parts(
        view=view,
        tokens=tokens,
        console=build_console(base, tokens),
        webhooks=webhooks,
        blocked=blocked,
        receiving=receiving,
        poster=poster,
        acknowledgements=acknowledgements,
        store_watch=store_watch,
        housekeeping=housekeeping,
        purging=purging,
        deleting=deleting,
        watching=build_watching(base, receiving.watched(*watched, view.inbox, main_token)),
        backups=_backups(base),
    )


def _watch_store(base: Foundation, wiring: Wiring) -> StoreWatch:
    store_watch = build_store_watch(base, wiring.go_on)
    base.database.on_failure = store_watch.failed
    if base.database.damage is not None:
        store_watch.failed(base.database.damage)
    return store_watch


def _backups(base: Foundation) -> Backups:
    key_file = next((path for path, _ in base.key_files), None)
    return Backups(
        base.data_directory / BACKUPS, base.database, base.now, base.keys.place, key_file
    )
