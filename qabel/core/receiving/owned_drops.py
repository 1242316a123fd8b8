"""The drops that are read: their owners, and how far each was read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import blake2b

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.drop.transport import Opener
from qabel.drop.url import DropURL
from qabel.settings.items import Identity
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop, DropState

FULL_READ_INTERVAL = 3600.0
"""Seconds between two reads of a whole drop, which find messages that a cursor skipped."""

REPEAT_PAUSE = 30.0
"""Seconds between full reads that were asked for, for each second that the last one took.

Strangers can make a drop as large as its server lets them, and each message that is deleted makes
room for one that was not kept.
"""

SHORTEST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
"""Limits of that pause, in seconds."""

Owners = Mapping[DropURL, Sequence[Identity]]
"""The identities that receive messages in each drop."""


@define
class OwnedDrop:
    """A drop that is read: its keys, how far it was read, and when it is read in full again."""

    drop: Drop
    opener: Opener = field(repr=False)
    cursor: str | None
    full_due: float
    """In seconds on the clock of the schedule."""
    asked: int = 0
    """How often a full read was asked for: one that began earlier does not count for it."""
    repeat_from: float = 0.0
    """From when a full read may be asked for, on the same clock."""


@define(eq=False)
class OwnedDrops:
    """Knows the drops of all identities, and forgets how far other drops were read.

    Args:
        states: stores how far drops were read.
        clock: the clock of the schedule.
        now: returns seconds since the epoch.
        full_read_interval: seconds between two reads of a whole drop.

    """

    _states: InboxRepository
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _full_read_interval: float = field(kw_only=True)
    _owners: Owners = field(factory=dict, init=False)
    _drops: dict[DropURL, OwnedDrop] = field(factory=dict, init=False)

    def set_owners(self, owners: Owners) -> None:
        """Set the drops and their owners."""
        self._owners = owners
        self._keep_only_owned()

    async def find(self, url: DropURL) -> OwnedDrop | None:
        """Return a drop, or None if it has no owner. Raises StoreError."""
        owners = self._owners.get(url, ())
        if not owners:
            return None
        drop = Drop(str(url), _fingerprint(owners))
        found = self._drops.get(url)
        if found is None or found.drop != drop:
            state = await self._states.start_reading(drop)
            opener = Opener(identity.private_key for identity in owners)
            found = self._drops[url] = OwnedDrop(drop, opener, state.cursor, self._due(state))
        return found

    def was_read_in_full(self, drop: OwnedDrop) -> None:
        """Note that a drop was read in full."""
        drop.full_due = self._clock.seconds() + self._full_read_interval

    def repeatable(self) -> list[str]:
        """Return the URLs of the drops of which another full read may be asked for now."""
        now = self._clock.seconds()
        return [
            str(url)
            for url in self._owners
            if (drop := self._drops.get(url)) is None or drop.repeat_from <= now
        ]

    def ended_full_read(self, drop: OwnedDrop, seconds: float) -> None:
        """Note how long a full read took, whether it succeeded or not."""
        pause = min(max(REPEAT_PAUSE * seconds, SHORTEST_PAUSE), LONGEST_PAUSE)
        drop.repeat_from = self._clock.seconds() + pause

    def read_in_full(self, urls: Collection[str]) -> None:
        """Have the next read of some drops be one in full."""
        for url, drop in self._drops.items():
            if str(url) in urls:
                drop.asked += 1
                drop.full_due = self._clock.seconds()

    async def forget_another(self) -> bool:
        """Forget a drop without an owner, or a part of it. Raises StoreError.

        Returns:
            Whether there may be more to forget.

        """
        self._keep_only_owned()
        return await self._states.forget_another_drop([str(url) for url in self._owners])

    async def forget_copies(self) -> bool:
        """Forget old messages of which copies may have been in other drops, or a part of them.

        Returns whether there may be more to forget. Raises StoreError.
        """
        return await self._states.forget_copies(now=self._now())

    def _keep_only_owned(self) -> None:
        for gone in self._drops.keys() - self._owners.keys():
            del self._drops[gone]

    def _due(self, state: DropState) -> float:
        """Return when a full read is due on the steady clock, so that no jump can delay it long."""
        if state.last_full_read is None:
            return self._clock.seconds()
        left = self._full_read_interval - (self._now() - state.last_full_read / 1000)
        return self._clock.seconds() + min(max(left, 0.0), self._full_read_interval)


def _fingerprint(owners: Sequence[Identity]) -> str:
    keys = sorted(identity.public_key.raw for identity in owners)
    return blake2b(b"".join(keys), digest_size=16).hexdigest()
