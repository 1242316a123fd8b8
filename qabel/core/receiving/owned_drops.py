"""The drops that are read: their owners, and how far each was read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import blake2b

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.receiving.drop_progress import Stretch, decode_progress
from qabel.core.receiving.drop_reading import DropReading
from qabel.core.receiving.drop_traffic import DROP_BANDWIDTH, MOST_DOUBLINGS, DropTraffic
from qabel.core.receiving.full_readings import Cause, FullReadings, OwnedDrop
from qabel.core.receiving.poll_times import HEARSAY
from qabel.drop.transport import Opener
from qabel.drop.url import DropURL
from qabel.net.exchange_limits import Allowance, ExchangeLimits
from qabel.settings.items import Identity
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop, DropState

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


@define(eq=False)
class OwnedDrops:
    """Knows the drops of all identities, and forgets how far other drops were read.

    Args:
        states: stores how far drops were read.
        clock: the clock of the schedule.
        now: returns seconds since the epoch.
        full_read_interval: seconds between two reads of a whole drop at least.
        bandwidth: bytes that the reading of one drop may take in an hour.
        draw: returns a random number in [0, 1).

    """

    _states: InboxRepository
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _full_read_interval: float = field(kw_only=True)
    _bandwidth: int = field(default=DROP_BANDWIDTH, kw_only=True)
    _draw: Draw = field(default=draw_securely, kw_only=True)
    on_due: Callable[[DropURL, float], object] = field(default=lambda _url, _due: None, init=False)
    """Called with a drop that is to be read in full from a time on, in seconds on the clock."""
    schedule: FullReadings = field(init=False)
    """Decides when drops are read in full."""
    _owners: Owners = field(factory=dict, init=False)
    _is_told: bool = field(default=False, init=False)
    """Whether the owners were set; nothing is forgotten before."""
    _drops: dict[DropURL, OwnedDrop] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.schedule = FullReadings(self._clock, self._now, self._full_read_interval, self._draw)

    @property
    def known(self) -> Mapping[DropURL, OwnedDrop]:
        """The drops that were read, or looked at, since the start."""
        return self._drops

    def set_owners(self, owners: Owners) -> None:
        """Set the drops and their owners."""
        self._owners, self._is_told = owners, True
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
            found = self._drops[url] = self._load(drop, opener, state, is_shared=url.is_shared)
        return found

    def ask(self, url: DropURL, cause: Cause, *, at_once: bool = True) -> None:
        """Schedule a full reading of a drop soon, within the limits for that cause.

        ``at_once`` is whether nothing but this drop gave the reason; see ``FullReadings.ask``.
        """
        found = self._drops.get(url)
        if found is not None:
            self.schedule.ask(found, cause, at_once=at_once)

    def due(self, url: DropURL) -> float | None:
        """Return when a drop is to be read though nothing new is reported in it.

        It is in seconds on the clock of the schedule; None for a drop that was not read yet.
        """
        drop = self._drops.get(url)
        if drop is None:
            return None
        if drop.progress.news != Stretch():
            return self._clock.seconds()  # Its last response was not read to the end.
        return min(drop.full_due, drop.news_from) if drop.is_news_put_off else drop.full_due

    def reading(self, drop: OwnedDrop, *, full: bool) -> DropReading | None:
        """Return a response that is to be read now; None if the bandwidth is used up.

        Args:
            drop: the drop.
            full: whether everything is to be read.

        """
        stretch = drop.progress.full if full else drop.progress.news
        size = drop.traffic.allowed(ExchangeLimits().size, stretch.doublings, full=full)
        if size is None:
            return None
        allowance = Allowance(size, 1 << min(stretch.doublings, MOST_DOUBLINGS))
        return DropReading(drop, full, allowance, int(self._now()))

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
        """Schedule a full reading as one of the next reads of some drops.

        If there are several, each has its own time, as their servers are not to see what they have
        in common.
        """
        mean = HEARSAY if len(urls) > 1 else 0.0
        for url, drop in self._drops.items():
            if str(url) in urls:
                drop.asked += 1
                drop.progress.full = Stretch()
                due = self._clock.seconds() + exponential(mean, self._draw)
                drop.full_due = min(due, drop.full_due)
                self.on_due(url, drop.full_due)

    async def forget_another(self) -> bool:
        """Forget a drop without an owner, or a part of it. Raises StoreError.

        Returns:
            Whether there may be more to forget.

        """
        if not self._is_told:
            return False
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

    def _load(self, drop: Drop, opener: Opener, state: DropState, *, is_shared: bool) -> OwnedDrop:
        progress = decode_progress(state.progress)
        if state.last_full_read is None and state.cursor is not None:
            progress.full = Stretch()  # A full reading from the beginning was asked for.
        since = max(0.0, self._now() - progress.saved / 1000)
        past = [(age + since, size, full) for age, size, full in progress.traffic]
        due, after_start = self.schedule.plan(state, progress)
        return OwnedDrop(
            drop,
            opener,
            state.cursor,
            due,
            DropTraffic(self._clock, self._bandwidth, past),
            progress,
            state.last_full_read,
            after_start=after_start,
            is_shared=is_shared,
        )


def _fingerprint(owners: Sequence[Identity]) -> str:
    keys = sorted(identity.public_key.raw for identity in owners)
    return blake2b(b"".join(keys), digest_size=16).hexdigest()
