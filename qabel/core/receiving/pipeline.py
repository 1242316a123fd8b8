"""Process messages in batches: several are opened concurrently, and stored in order."""

import os
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredSemaphore, succeed
from twisted.python.failure import Failure

from qabel.deferreds import when_done
from qabel.drop.multipart import Part

T = TypeVar("T")

BATCH_SIZE = 256
"""Messages per batch: enough to make the cost per batch small, few enough to be quick."""

AT_ONCE = min(os.cpu_count() or 1, 8) + 1
"""Batches in progress: one for each processor, and one that is hashed or stored meanwhile.

It bounds the memory, and how many threads compete with the reactor's for Python's lock. With more
than eight processors, the reactor itself, which parses the responses, would not keep up.
"""


@define(eq=False)
class Batches(Generic[T]):
    """Accepts messages as they arrive, no faster than they are processed."""

    _look: Callable[[list[Part]], Awaitable[T]]
    """Processes a batch; may run for several at the same time."""
    _keep: Callable[[T], Awaitable[None]]
    """Stores the result; called in the order of the batches, one at a time, until one fails."""
    _size: int = field(default=BATCH_SIZE, kw_only=True)
    _at_once: int = field(default=AT_ONCE, kw_only=True)
    _slots: DeferredSemaphore = field(init=False)
    _collected: list[Part] = field(factory=list, init=False)
    _running: "set[Deferred[None]]" = field(factory=set, init=False)
    _last: "Deferred[None]" = field(factory=lambda: succeed(None), init=False)
    _failure: BaseException | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._slots = DeferredSemaphore(self._at_once)

    async def take(self, parts: list[Part]) -> None:
        """Add messages; wait for it before adding more. Raises what ``look`` or ``keep`` raised."""
        self._collected += parts
        while len(self._collected) >= self._size:
            batch, self._collected = self._collected[: self._size], self._collected[self._size :]
            await self._begin(batch)

    async def finish(self) -> None:
        """Process the rest, and wait until everything is stored. Raises as ``take`` does."""
        batch, self._collected = self._collected, []
        if batch:
            await self._begin(batch)
        await when_done(self._last)
        self._check()

    def cancel(self) -> None:
        """Cancel the batches in progress."""
        for each in list(self._running):
            each.cancel()

    async def _begin(self, batch: list[Part]) -> None:
        await self._slots.acquire()
        try:
            self._check()
        except BaseException:
            self._slots.release()
            raise
        before = self._last
        work = Deferred.fromCoroutine(self._work(batch, before))
        self._last = work
        self._running.add(work)
        work.addBoth(self._ended, work)

    async def _work(self, batch: list[Part], before: "Deferred[None]") -> None:
        found = await self._look(batch)
        await when_done(before)
        self._check()
        await self._keep(found)

    def _ended(self, result: object, work: "Deferred[None]") -> None:
        if isinstance(result, Failure):
            # Later failures repeat the first one, or are cancellations because of it.
            self._failure = self._failure or result.value
        self._running.discard(work)
        self._slots.release()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
