"""Calls on threads: their results, how many at a time, and the end."""

from collections.abc import Callable
from threading import Event, current_thread

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from qabel.host.blocking_threads import BlockingThreads

PATIENCE = 5


def waiting_for(event: Event) -> Callable[[], str]:
    """Return a function that waits for an event, and returns the name of its thread."""

    def wait() -> str:
        assert event.wait(PATIENCE)
        return current_thread().name

    return wait


@pytest_twisted.ensureDeferred
async def test_results() -> None:
    """A call fires with what the function returns, or fails with what it raises."""
    threads = BlockingThreads(reactor, "test", 2)

    def fail() -> None:
        raise ValueError("no")

    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ValueError, match="no"):
        await threads.run(fail)
    assert await threads.run(lambda: "next") == "next"
    await threads.close()


@pytest_twisted.ensureDeferred
async def test_calls_are_not_made_on_the_reactors_thread() -> None:
    """They are on threads with the name that was given, which keep no process from ending."""
    threads = BlockingThreads(reactor, "test of calls", 1)
    thread = await threads.run(current_thread)
    assert thread is not current_thread()
    assert (thread.name, thread.daemon) == ("test of calls", True)
    await threads.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest_twisted.ensureDeferred
async def test_a_call_that_hangs_delays_no_other() -> None:
    """The next one is made on the thread that has least to do."""
    threads, go = BlockingThreads(reactor, "test", 2), Event()
    hanging = threads.run(waiting_for(go))
    for number in range(5):
        assert await threads.run(lambda number=number: number) == number  # type: ignore[misc]
    assert not hanging.called
    go.set()
    await hanging
    await threads.close()


@pytest_twisted.ensureDeferred
async def test_so_many_calls_at_a_time() -> None:
    """As many as there are threads, and the others after them."""
    threads, meeting, go = BlockingThreads(reactor, "test", 3), Event(), Event()
    begun: list[int] = []

    def meet() -> int:
        begun.append(1)
        if len(begun) == 3:
            meeting.set()
        assert go.wait(PATIENCE)
        return len(begun)

    calls = [threads.run(meet) for _ in range(9)]
    assert meeting.wait(PATIENCE)
    assert len(begun) == 3
    go.set()
    await gatherResults(calls)
    assert len(begun) == 9
    await threads.close()


@pytest_twisted.ensureDeferred
async def test_the_end_waits_for_what_was_taken() -> None:
    """All calls are made, also those that wait for others; without any, it is there at once."""
    threads, go = BlockingThreads(reactor, "test", 2), Event()
    calls = [threads.run(waiting_for(go)) for _ in range(6)]
    ended = Deferred.fromCoroutine(threads.close())
    assert not ended.called
    go.set()
    await ended
    assert all(call.called for call in calls)
    await BlockingThreads(reactor, "test", 2).close()


@pytest_twisted.ensureDeferred
async def test_a_call_whose_caller_went_away() -> None:
    """It is made all the same, and its result goes nowhere."""
    threads, go, done = BlockingThreads(reactor, "test", 1), Event(), Event()

    def work() -> None:
        go.wait(PATIENCE)
        done.set()

    call = threads.run(work)
    call.cancel()
    with pytest.raises(CancelledError):
        await call
    go.set()
    await threads.close()
    assert done.is_set()
