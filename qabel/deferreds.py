"""Deferreds: shielded work, a fail-fast gather, a fair lock, work in batches."""

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, cast

import attrs
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

T = TypeVar("T")

BATCH_SIZE = 50
"""Items that ``in_batches`` handles in one turn of the reactor."""


def shielded(work: Coroutine[Any, Any, T]) -> "Deferred[T]":
    """Start ``work`` and return a Deferred of its result; cancelling it does not stop the work.

    A transaction cannot be taken back because a client hung up or an embedder's timeout passed:
    what was begun on disk must also become visible in memory.
    """
    # Without a canceller of its own, a cancelled Deferred ignores the one result that comes late.
    seen: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).chainDeferred(seen)
    return seen


async def gather(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines concurrently and return their results in order.

    When one fails, the others are cancelled and its exception is raised unwrapped.
    """
    running = [Deferred.fromCoroutine(each) for each in work]
    try:
        return await gatherResults(running, consumeErrors=True)
    except FirstError as first:
        for each in running:
            each.cancel()
        failed: Exception = cast("Exception", first.subFailure.value)
        raise failed from None


@attrs.define(eq=False)
class FairLock:
    """A lock that is granted in the order in which it was asked for.

    Unlike Twisted's ``DeferredLock`` it does not grant the lock recursively from within
    ``release``: there, a hundred waiters that release at once exhaust the stack.
    """

    _free: bool = attrs.field(default=True, init=False)
    _granting: bool = attrs.field(default=False, init=False)
    _waiting: "deque[Deferred[None]]" = attrs.field(factory=deque, init=False)

    async def acquire(self) -> None:
        """Wait for the lock. Cancelling the wait gives up the place in the queue."""
        if self._free:
            self._free = False
            return
        turn: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        await turn

    def release(self) -> None:
        """Release the lock to the next waiter, if there is one."""
        self._free = True
        if self._granting:
            return
        self._granting = True
        try:
            while self._free and self._waiting:
                self._free = False
                self._waiting.popleft().callback(None)
        finally:
            self._granting = False


def result_of(deferred: "Deferred[T]") -> T:
    """Return the result of a Deferred that has one already, or raise its error."""
    results: list[T | Failure] = []
    deferred.addBoth(results.append)
    if not results:
        raise RuntimeError("this Deferred has no result yet")
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def when_done(deferred: "Deferred[Any]") -> "Deferred[None]":
    """Return a new Deferred that succeeds once ``deferred`` has fired, with a result or a failure.

    Cancelling the new one leaves ``deferred`` alone.
    """
    mine: Deferred[None] = Deferred()

    def fire(result: T) -> T:
        if not mine.called:
            mine.callback(None)
        return result

    deferred.addBoth(fire)
    return mine


async def in_batches(items: Sequence[T], act: Callable[[T], object], clock: IReactorTime) -> None:
    """Call ``act`` for each item, ``BATCH_SIZE`` of them in each turn of the reactor.

    There may be thousands of items, and requests must be served in between.
    """
    for start in range(0, len(items), BATCH_SIZE):
        if start:
            await deferLater(clock, 0)
        for each in items[start : start + BATCH_SIZE]:
            act(each)
