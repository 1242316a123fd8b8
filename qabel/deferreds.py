"""Work side by side: what cannot be broken off, what ends together, what several wait for."""

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

T = TypeVar("T")

AT_ONCE = 50
"""Of many that are told something: how many in one turn of the reactor."""


def shielded(work: Coroutine[Any, Any, T]) -> "Deferred[T]":
    """Start ``work``, and give a Deferred of its result whose cancellation does not end the work.

    A transaction cannot be taken back by a client that hangs up or an embedder whose deadline
    passed: what it began on the disk must also be seen in memory.
    """
    # With no canceller of its own, a cancelled Deferred swallows the one result that comes late.
    seen: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).chainDeferred(seen)
    return seen


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side, and give their results in order.

    When one fails, the others are cancelled, and its error is raised as it is.
    """
    running = [Deferred.fromCoroutine(each) for each in work]
    try:
        return await gatherResults(running, consumeErrors=True)
    except FirstError as first:
        for each in running:
            each.cancel()
        failed: Exception = cast("Exception", first.subFailure.value)
        raise failed from None


class Turn:
    """A lock whose waiters are let in one after another, however many they are.

    Twisted's DeferredLock lets the next one in from within ``release``, nested: a hundred that
    wait, and have nothing to wait for themselves, exhaust the stack.
    """

    def __init__(self) -> None:
        self._free = True
        self._handing_on = False
        self._waiting: deque[Deferred[None]] = deque()

    async def acquire(self) -> None:
        """Wait for one's turn."""
        if self._free:
            self._free = False
            return
        turn: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        await turn

    def release(self) -> None:
        """Let the next one in."""
        self._free = True
        if self._handing_on:
            return
        self._handing_on = True
        try:
            while self._free and self._waiting:
                self._free = False
                self._waiting.popleft().callback(None)
        finally:
            self._handing_on = False


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
    """Give a Deferred of one's own that fires, always well, once another has fired either way."""
    mine: Deferred[None] = Deferred()

    def fire(result: T) -> T:
        if not mine.called:
            mine.callback(None)
        return result

    deferred.addBoth(fire)
    return mine


async def a_few_at_a_time(
    all_of_them: Sequence[T], act: Callable[[T], object], clock: IReactorTime
) -> None:
    """Do something to many, to a few of them in each turn of the reactor.

    There may be thousands, and others have requests meanwhile.
    """
    for start in range(0, len(all_of_them), AT_ONCE):
        if start:
            await deferLater(clock, 0)
        for each in all_of_them[start : start + AT_ONCE]:
            act(each)
