"""Look again at messages that were not kept: strangers' once there is room, blocked ones' later."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.people.blocked import is_blocked_contact
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.host.regular_call import RegularCall
from qabel.settings.local import InboxSettings
from qabel.settings.synced import SyncedSettings
from qabel.store.inbox.refused import Reason
from qabel.store.inbox.strangers import Pair, StrangerLimits, StrangerRepository

INTERVAL = 5.0
"""Seconds between two checks whether messages can be kept that could not be kept before."""

MEBIBYTE = 1024 * 1024

_KEPT = {
    "keep": frozenset({Reason.STRANGER, Reason.INTRODUCED}),
    "introduced": frozenset({Reason.INTRODUCED}),
    "refuse": frozenset[Reason](),
}


def stranger_limits(settings: InboxSettings) -> StrangerLimits:
    """Return what is kept of strangers according to the settings."""
    return StrangerLimits(_KEPT[settings.strangers], settings.stranger_quota * MEBIBYTE)


@define(eq=False, kw_only=True)
class SecondLook(Service):
    """Checks regularly which messages that were not kept can be kept now.

    There may be room for strangers' messages, because messages were deleted or settings changed;
    a stranger may be a contact now; a sender may be no longer blocked. The drops that have such
    messages are read in full, at their own pace: each with its next read.
    """

    _strangers: StrangerRepository
    _drops: OwnedDrops
    _limits: Callable[[], StrangerLimits]
    _synced: Callable[[], SyncedSettings]
    _blocked: Callable[[], frozenset[bytes]]
    _clock: IReactorTime
    _has_refused: bool = field(default=True, init=False)
    """Whether there may be any such messages."""
    _people: "tuple[SyncedSettings, frozenset[bytes]] | None" = field(default=None, init=False)
    """The people that the messages were last compared with."""
    _contacts: Mapping[Pair, int] = field(factory=dict, init=False)
    _recent: frozenset[Pair] = field(default=frozenset(), init=False)
    """Those added since the look before the last: messages that were being opened then may have
    been stored as strangers' after the last one."""
    _senders: frozenset[Pair] = field(default=frozenset(), init=False)
    """The identities with the senders that are blocked."""
    _loop: RegularCall = field(init=False)
    _ended: "Deferred[Any]" = field(factory=lambda: succeed(None), init=False)

    name = "second-look"
    _log: ClassVar = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self._look, INTERVAL, self._clock, self._log, "Looking at refused messages stopped"
        )

    def startService(self) -> None:
        """Start checking."""
        super().startService()
        self._ended = self._loop.start()

    def stopService(self) -> "Deferred[Any]":
        """Stop; the Deferred fires when the check in progress has ended."""
        super().stopService()
        self._loop.stop()
        return self._ended

    def were_refused(self) -> None:
        """Note that messages were not kept."""
        self._has_refused = True

    async def _look(self) -> None:
        """Check once. If the database fails, the next check does it."""
        try:
            await self._recognize_people()
            await self._use_room()
        except StoreError:
            return  # The status says that the database fails; nothing is lost.

    async def _recognize_people(self) -> None:
        synced, blocked = self._synced(), self._blocked()
        before, recent = self._people, self._recent
        is_same = before is not None and before[0] is synced and before[1] is blocked
        if is_same and not recent:
            return
        senders = frozenset(_blocked_pairs(synced, blocked))
        contacts = {pair: number for pair, number in _contact_pairs(synced) if pair not in senders}
        added = contacts.keys() - self._contacts.keys()
        new = {pair: contacts[pair] for pair in added | (recent & contacts.keys())}
        unblocked = before is None or not self._senders <= senders
        self._drops.read_in_full(
            await self._strangers.recognize(new, senders if unblocked else None)
        )
        self._people, self._contacts, self._senders = (synced, blocked), contacts, senders
        self._recent = frozenset() if before is None else frozenset(added)

    async def _use_room(self) -> None:
        if not self._has_refused:
            return
        urls = await self._strangers.look_again(self._limits(), self._drops.repeatable())
        self._drops.read_in_full(urls)
        counts = await self._strangers.counts()
        self._has_refused = counts.strangers_refused > 0


def _contact_pairs(synced: SyncedSettings) -> Iterator[tuple[Pair, int]]:
    for contact in synced.living_contacts:
        yield (contact.my_identity.raw, contact.public_key.raw), contact.id


def _blocked_pairs(synced: SyncedSettings, blocked: frozenset[bytes]) -> Iterator[Pair]:
    for identity in synced.living_identities:
        for key in blocked:
            yield identity.public_key.raw, key
    for contact in synced.living_contacts:
        if is_blocked_contact(contact):
            yield contact.my_identity.raw, contact.public_key.raw
