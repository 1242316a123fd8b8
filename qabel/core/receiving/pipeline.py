"""Work on messages in batches: several looked at side by side, and kept one after another."""

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
"""Messages: enough that what each batch costs counts little, few enough to do in a moment."""

AT_ONCE = min(os.cpu_count() or 1, 8) + 1
"""Batches under way: one for each processor, and one that is hashed or kept meanwhile.

It bounds the memory, and how many threads want Python's lock beside the reactor's. Past eight
processors the reactor itself, which takes answers apart, would not keep up.
"""


@define(eq=False)
class Batches(Generic[T]):
    """Takes messages as they come off the network, no faster than they are worked off."""

    _look: Callable[[list[Part]], Awaitable[T]]
    """Finds out what is in a batch; may run for several at the same time."""
    _keep: Callable[[T], Awaitable[None]]
    """Keeps what was found; called in the order of the batches, one at a time, and no more after
    one has failed."""
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
        """Take some messages; wait before taking more. Raises what ``look`` or ``keep`` raised."""
        self._collected += parts
        while len(self._collected) >= self._size:
            batch, self._collected = self._collected[: self._size], self._collected[self._size :]
            await self._begin(batch)

    async def finish(self) -> None:
        """Work off what is left, and wait until all is kept. Raises as ``take`` does."""
        batch, self._collected = self._collected, []
        if batch:
            await self._begin(batch)
        await when_done(self._last)
        self._check()

    def cancel(self) -> None:
        """Break off what is under way."""
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
            # Later ones only repeat it, or were cancelled because of it.
            self._failure = self._failure or result.value
        self._running.discard(work)
        self._slots.release()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
