"""What the reading of one drop may cost: so many bytes an hour."""

from collections.abc import Iterable, Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

HOUR = 3600.0

DROP_BANDWIDTH = 512 * 1024 * 1024
"""Bytes that the reading of one drop may take in an hour."""

FULL_SHARE = 7 / 8
"""The share of that for full readings; the rest is for what is new."""

SLOT = 600.0
"""Seconds whose traffic is counted together."""

LEAST_SHARE = 1 / 32
"""The share that has to be free before a full reading begins or goes on."""

MOST_DOUBLINGS = 6
"""How often a response may be allowed twice as much as before."""

UNSAVED_SHARE = 64
"""The traffic of readings without news is stored when it was this part of an hour's bandwidth."""

Entry = tuple[float, int, bool]
"""The seconds that have passed since some traffic, its bytes, and whether it was a full reading."""


@define
class _Traffic:
    began: float
    size: int
    full: bool


@define(eq=False)
class DropTraffic:
    """Counts the bytes of one drop.

    A response that can only be read as a whole may take more than an hour's bytes at once; as many
    hours without any follow.

    Args:
        clock: measures the hours.
        limit: bytes an hour.
        past: what was counted before a restart.

    """

    _clock: IReactorTime
    _limit: int
    _past: Iterable[Entry] = ()
    _counted: list[_Traffic] = field(factory=list, init=False)
    _unsaved: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        now = self._clock.seconds()
        for age, size, full in self._past:
            self._counted.append(_Traffic(now - max(0.0, age), max(0, size), bool(full)))

    def note(self, size: int, *, full: bool) -> None:
        """Count some bytes that arrived just now."""
        if not size:
            return
        now = self._clock.seconds()
        self._unsaved += size
        last = self._counted[-1] if self._counted else None
        if last is not None and last.full == full and now - last.began < SLOT:
            last.size += size
        else:
            self._forget(now)
            self._counted.append(_Traffic(now, size, full))

    def entries(self) -> Sequence[Entry]:
        """Return what is to be counted after a restart."""
        self._unsaved = 0
        now = self._clock.seconds()
        self._forget(now)
        return [(round(now - each.began, 1), each.size, each.full) for each in self._counted]

    def allowed(self, size: int, doublings: int, *, full: bool) -> int | None:
        """Return the bytes that a response may have now; None if it has to wait.

        Args:
            size: the bytes that are wanted.
            doublings: how often such a response turned out to be too large to be read in parts.
            full: whether it is a full reading.

        """
        left = self._left(full=full)
        wanted = min(size, self._limit)
        if doublings:
            wanted <<= min(doublings, MOST_DOUBLINGS)
            if wanted > left:
                return None if self._counted else wanted
        least = self._limit * LEAST_SHARE if full else 1
        return min(wanted, left) if left >= least else None

    def seconds_of(self, size: int) -> float:
        """Return how long it takes until as many bytes may be used up, at half the limit."""
        return 2 * HOUR * size / self._limit

    @property
    def is_unsaved(self) -> bool:
        """Whether much was counted since ``entries`` was called last."""
        return self._unsaved > self._limit // UNSAVED_SHARE

    @property
    def is_used_up(self) -> bool:
        """Whether a full reading has to wait."""
        return self._left(full=True) < self._limit * LEAST_SHARE

    def _left(self, *, full: bool) -> int:
        self._forget(self._clock.seconds())
        by_full = sum(each.size for each in self._counted if each.full)
        others = sum(each.size for each in self._counted if not each.full)
        share = int(self._limit * FULL_SHARE)
        if full:
            return min(share - by_full, self._limit - by_full - others)
        return self._limit - others - min(by_full, share)

    def _forget(self, now: float) -> None:
        """Forget what has had its hour; more than an hour's bytes have several hours."""
        self._counted[:] = [
            each
            for each in self._counted
            if now - each.began < SLOT + HOUR * max(1.0, each.size / self._limit)
        ]
