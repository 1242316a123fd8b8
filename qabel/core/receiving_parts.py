"""Build the parts of the core that receive messages."""

from attrs import frozen

from qabel.core.foundation import Foundation
from qabel.core.housekeeping import Housekeeping
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.webhooks import Webhooks
from qabel.core.main_token import MainToken
from qabel.core.people.blocked import BlockedKeys
from qabel.core.receiving.intake import Intake
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.core.receiving.push_watch import PushWatch
from qabel.core.receiving.reader_polls import ReaderPolls
from qabel.core.receiving.receiver import Receiver
from qabel.core.receiving.second_look import SecondLook, stranger_limits
from qabel.core.receiving.server_presence import ServerPresence
from qabel.core.sending.acknowledgements import Acknowledgements
from qabel.core.sending.poster import Poster
from qabel.core.status.store_watch import StoreWatch
from qabel.core.watching import Watched
from qabel.core.wiring import Wiring
from qabel.drop.url import DropURL
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.strangers import StrangerRepository


@frozen(kw_only=True, eq=False)
class Receiving:
    """The parts that receive messages."""

    drops: OwnedDrops
    intake: Intake
    receiver: Receiver
    presence: ServerPresence
    poller: Poller
    push_watch: PushWatch
    second_look: SecondLook
    reader_polls: ReaderPolls

    def watched(
        self,
        poster: Poster,
        acknowledgements: Acknowledgements,
        webhooks: Webhooks,
        store_watch: StoreWatch,
        housekeeping: Housekeeping,
        inbox: InboxReader,
        main_token: MainToken,
    ) -> Watched:
        """Return these and other parts as those whose state is reported."""
        return Watched(
            poller=self.poller,
            push_watch=self.push_watch,
            drops=self.drops,
            counts=self.intake.counts,
            poster=poster,
            acknowledgements=acknowledgements,
            webhooks=webhooks,
            store_watch=store_watch,
            housekeeping=housekeeping,
            inbox=inbox,
            main_token=main_token,
        )


def build_receiving(base: Foundation, wiring: Wiring, blocked: BlockedKeys) -> Receiving:
    """Return the parts that receive messages."""
    inbox = InboxRepository(base.database, base.purged)
    drops = _build_drops(base, inbox)
    intake = Intake(
        repository=inbox,
        workers=base.workers,
        synced=base.synced_now,
        blocked=lambda: blocked.keys,
        limits=lambda: stranger_limits(base.local.value.inbox),
        on_kept=wiring.kept,
        on_dates=wiring.note_dates,
        plan=lambda: base.times.plan() if base.times.are_wanted else None,
        known_kinds=base.known_kinds,
        text=drops.schedule.text,
        clock=base.reactor,
        now=base.now,
    )
    receiver = Receiver(base.network, drops, intake, clock=base.reactor)
    owner_of = base.isolation.owner_of
    presence = ServerPresence(
        receiver.read,
        wiring.server_works,
        clock=base.reactor,
        owner_of=owner_of,
        draw=base.draw,
    )
    poller = _build_poller(base, presence, drops)
    return Receiving(
        drops=drops,
        intake=intake,
        receiver=receiver,
        presence=presence,
        poller=poller,
        push_watch=_build_push_watch(base, presence, poller, drops),
        second_look=_build_second_look(base, drops, blocked),
        reader_polls=ReaderPolls(
            poller=poller, drops=drops, synced=base.synced_now, owner_of=owner_of
        ),
    )


def _build_drops(base: Foundation, inbox: InboxRepository) -> OwnedDrops:
    return OwnedDrops(
        inbox,
        clock=base.reactor,
        now=base.now,
        full_read_interval=base.options.full_read_interval,
        bandwidth=base.options.drop_bandwidth,
        draw=base.draw,
    )


def _build_poller(base: Foundation, presence: ServerPresence, drops: OwnedDrops) -> Poller:
    poller = Poller(
        presence.read,
        base.reactor,
        owner_of=base.isolation.owner_of,
        interval=base.local.value.poll_interval,
        push_interval=base.options.push_poll_interval,
        draw=base.draw,
    )
    drops.on_due = poller.hasten
    return poller


def _build_second_look(base: Foundation, drops: OwnedDrops, blocked: BlockedKeys) -> SecondLook:
    return SecondLook(
        strangers=StrangerRepository(base.database),
        drops=drops,
        limits=lambda: stranger_limits(base.local.value.inbox),
        synced=base.synced_now,
        blocked=lambda: blocked.keys,
        clock=base.reactor,
    )


def _build_push_watch(
    base: Foundation, presence: ServerPresence, poller: Poller, drops: OwnedDrops
) -> PushWatch:
    def look_again(url: DropURL) -> None:
        due = drops.due(url)
        if due is not None:
            poller.hasten(url, due)

    watch = PushWatch(
        base.network.listen,
        presence.read,
        base.reactor,
        interval=lambda: poller.interval,
        on_trouble=poller.hasten,
        on_read=look_again,
        is_waiting=poller.is_waiting_for_store,
        on_not_stored=poller.note_not_stored,
        draw=base.draw,
    )
    poller.clocks.is_watched, poller.clocks.wanted = watch.is_watching, drops.due
    return watch
