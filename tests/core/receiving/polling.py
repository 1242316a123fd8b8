"""A poller on a clock, whose reads end as a test says."""

from collections.abc import Callable
from random import Random

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core.receiving.poll_errors import NotStored, ReadFailed
from qabel.core.receiving.poll_slots import PollSlots
from qabel.core.receiving.poller import Poller
from qabel.drop.url import DropURL

ONE, TWO = "http://one.example", "http://two.example"

INTERVAL = 10.0


def drop(number: int, server: str = ONE) -> DropURL:
    """Return the URL of one of a server's drops."""
    return DropURL.parse(f"{server}/{number:043d}")


def drawn_from(seed: int) -> Callable[[], float]:
    """Return what draws the same numbers for the same seed."""
    return Random(seed).random  # noqa: S311


@define(eq=False)
class Reads:
    """Stands for the receiver: notes what is read, and ends a read when the test says so."""

    clock: Clock
    begun: list[tuple[float, DropURL]] = field(factory=list)
    failing: set[DropURL] = field(factory=set)
    hanging: set[DropURL] = field(factory=set)
    store_error: str | None = None
    retry_after: float | None = None
    open: list["Deferred[None]"] = field(factory=list)
    cancelled: int = 0

    async def __call__(self, url: DropURL) -> None:
        """Read one drop: at once, never, or badly."""
        self.begun.append((self.clock.seconds(), url))
        if url in self.failing:
            raise ReadFailed("no answer", retry_after=self.retry_after)
        if self.store_error is not None:
            raise NotStored(self.store_error)
        if url in self.hanging:
            ends: Deferred[None] = Deferred(lambda _: self._cancel())
            self.open.append(ends)
            await ends

    def _cancel(self) -> None:
        self.cancelled += 1

    def times(self, url: DropURL) -> list[float]:
        """When a drop was read."""
        return [when for when, read in self.begun if read == url]


@define(eq=False)
class Polling:
    """A poller of drops, each of which has an owner of its own unless a test says otherwise."""

    draw: Callable[[], float] = lambda: 0.0
    slots: PollSlots = field(factory=PollSlots)
    clock: Clock = field(factory=Clock)
    owners: dict[DropURL, bytes] = field(factory=dict)
    reads: Reads = field(init=False)
    poller: Poller = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reads = Reads(self.clock)
        self.poller = Poller(
            self.reads,
            self.clock,
            owner_of=self.owners.get,
            interval=INTERVAL,
            draw=self._draw,
            slots=self.slots,
        )

    def _draw(self) -> float:
        return self.draw()

    def run(self, seconds: float, step: float = 0.25) -> None:
        """Have time pass in small steps."""
        self.clock.pump([step] * round(seconds / step))

    def next_read(self, url: DropURL, within: float = 10_000.0) -> float:
        """Have time pass until a drop is read; return how long that took."""
        count, started = len(self.reads.times(url)), self.clock.seconds()
        while len(self.reads.times(url)) == count:
            assert self.clock.seconds() - started < within
            following = min(each.getTime() for each in self.clock.getDelayedCalls())
            self.clock.advance(max(0.0, following - self.clock.seconds()))
        return self.clock.seconds() - started
