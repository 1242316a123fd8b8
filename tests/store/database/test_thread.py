"""The thread: in order, in groups, and never without an answer."""

from collections import Counter
from threading import Event
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.task import LoopingCall

from qabel.store.database.thread import DELIVERED_AT_ONCE, GROUP_SIZE, Job, ThreadWorker


def job() -> Job:
    """Make a job; the handler of each test says what becomes of it."""
    return Job(lambda _: None)


@pytest_twisted.ensureDeferred
async def test_jobs_that_pile_up_are_handled_together() -> None:
    """What waits while the thread works is taken along, in order, up to a limit."""
    go, groups = Event(), []

    def handle(jobs: list[Job]) -> None:
        go.wait()
        groups.append(jobs)

    worker = ThreadWorker(handle, reactor)
    jobs = [job() for _ in range(GROUP_SIZE + 10)]
    for each in jobs:
        worker.submit(each)
    worker.end()
    go.set()
    await gatherResults([each.done for each in jobs])
    assert [each for group in groups for each in group] == jobs
    assert 2 <= len(groups) <= 3
    assert max(map(len, groups)) <= GROUP_SIZE


@pytest_twisted.ensureDeferred
async def test_results_are_handed_over_a_few_at_a_time() -> None:
    """In order, and with turns of the reactor in between, in which others are answered."""
    turns: Counter[int] = Counter()
    order: list[Job] = []
    turn = 0

    def next_turn() -> None:
        nonlocal turn
        turn += 1

    def note(_: object, each: Job) -> None:
        order.append(each)
        turns[turn] += 1

    worker = ThreadWorker(lambda _: None, reactor)
    jobs = [job() for _ in range(3 * GROUP_SIZE)]
    for each in jobs:
        each.done.addCallback(note, each)
        worker.submit(each)
    worker.end()
    ticking = LoopingCall(next_turn)
    ticking.start(0)
    await gatherResults([each.done for each in jobs])
    ticking.stop()
    assert order == jobs
    # The ticks of the counter and the turns are one off at times.
    assert max(turns.values()) <= 2 * DELIVERED_AT_ONCE


@pytest_twisted.ensureDeferred
async def test_a_handler_that_breaks_leaves_nobody_waiting() -> None:
    """Whatever goes wrong, each job is answered, and the next ones are handled."""
    answers = iter([RuntimeError("broken"), None])

    def handle(_: list[Job]) -> None:
        error = next(answers)
        if error is not None:
            raise error

    worker = ThreadWorker(handle, reactor)
    first, second = job(), job()
    worker.submit(first)
    with pytest.raises(RuntimeError, match="broken"):
        await first.done
    worker.submit(second)
    await second.done
    worker.end()


@pytest_twisted.ensureDeferred
async def test_cancelling_only_means_not_to_wait() -> None:
    """A job whose caller went away is done all the same, and its result goes nowhere."""
    go, done = Event(), []

    def handle(jobs: list[Job]) -> None:
        go.wait()
        done.extend(jobs)

    worker = ThreadWorker(handle, reactor)
    first, second = job(), job()
    seen: list[Any] = []
    first.done.addErrback(lambda failure: seen.append(failure.check(CancelledError)))
    worker.submit(first)
    worker.submit(second)
    worker.end()
    first.done.cancel()
    go.set()
    await second.done
    assert done == [first, second]
    assert seen == [CancelledError]
