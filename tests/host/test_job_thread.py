"""Jobs on a thread: in order, in groups, and never without a result."""

from collections import Counter
from collections.abc import Callable
from threading import Event, current_thread
from typing import Any
from weakref import ref

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.task import LoopingCall, deferLater

from qabel.deferreds import result_of
from qabel.host.job_thread import DELIVERED_PER_TURN, InlineWorker, Job, JobThread

GROUP_SIZE = 64


def start(handle: Callable[[list[Job]], None], patience: float = 0.0) -> JobThread[Job]:
    """Start a thread with this handler."""
    return JobThread(handle, reactor, name="test", group_size=GROUP_SIZE, patience=patience)


@pytest_twisted.ensureDeferred
async def test_jobs_that_pile_up_are_handled_together() -> None:
    """What waits while the thread works is taken along, in order, up to a limit."""
    go, groups = Event(), []

    def handle(jobs: list[Job]) -> None:
        go.wait()
        groups.append(jobs)

    worker = start(handle)
    jobs = [Job() for _ in range(GROUP_SIZE + 10)]
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

    worker = start(lambda _: None)
    jobs = [Job() for _ in range(3 * GROUP_SIZE)]
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
    assert max(turns.values()) <= 2 * DELIVERED_PER_TURN


@pytest_twisted.ensureDeferred
async def test_handler_that_raises_fails_its_jobs() -> None:
    """A handler that raises fails its jobs, and the next ones are handled all the same."""
    answers = iter([RuntimeError("broken"), None])

    def handle(_: list[Job]) -> None:
        error = next(answers)
        if error is not None:
            raise error

    worker = start(handle)
    first, second = Job(), Job()
    worker.submit(first)
    with pytest.raises(RuntimeError, match="broken"):
        await first.done
    worker.submit(second)
    await second.done
    worker.end()


@pytest_twisted.ensureDeferred
async def test_cancelling_does_not_stop_the_job() -> None:
    """A job whose caller went away is done all the same, and its result goes nowhere."""
    go, done = Event(), []

    def handle(jobs: list[Job]) -> None:
        go.wait()
        done.extend(jobs)

    worker = start(handle)
    first, second = Job(), Job()
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


@pytest_twisted.ensureDeferred
async def test_thread_ends_after_the_last_job() -> None:
    """What was submitted before the end is done; the thread is gone then."""
    threads = []

    def handle(jobs: list[Job]) -> None:
        threads.append(current_thread())
        for each in jobs:
            each.result = "done"

    worker = start(handle)
    job = Job()
    worker.submit(job)
    worker.end()
    assert await job.done == "done"
    [thread] = threads
    assert thread is not current_thread()
    assert thread.daemon
    thread.join(5)
    assert not thread.is_alive()


@pytest_twisted.ensureDeferred
async def test_finished_jobs_are_let_go() -> None:
    """A thread that waits for the next job holds nothing of the one before."""
    worker = start(lambda _: None)
    job = Job()
    worker.submit(job)
    await job.done
    gone = ref(job)
    del job
    for _ in range(1000):
        if gone() is None:
            break
        await deferLater(reactor, 0.005)
    assert gone() is None
    worker.end()


def test_inline_worker_handles_jobs_at_once() -> None:
    """Where a job is submitted, its result is there afterwards."""

    def handle(jobs: list[Job]) -> None:
        [job] = jobs
        job.result = 7

    worker: InlineWorker[Job] = InlineWorker(handle)
    job = Job()
    worker.submit(job)
    worker.end()
    assert result_of(job.done) == 7


@pytest_twisted.ensureDeferred
async def test_what_may_wait_waits_for_another() -> None:
    """Jobs that may wait are handled with the next that may not, in the order of submission."""
    groups: list[list[Job]] = []
    worker = start(groups.append, patience=60)
    patient, other, last = Job(may_wait=True), Job(may_wait=True), Job()
    worker.submit(patient)
    await deferLater(reactor, 0.02)
    assert groups == []
    worker.submit(other)
    worker.submit(last)
    await gatherResults([each.done for each in (patient, other, last)])
    assert groups == [[patient, other, last]]
    worker.end()


@pytest_twisted.ensureDeferred
async def test_what_may_wait_does_not_wait_long() -> None:
    """Without another job it is handled after a moment, also if more that may wait keep coming."""
    groups: list[list[Job]] = []
    worker = start(groups.append, patience=0.05)
    jobs = [Job(may_wait=True)]
    worker.submit(jobs[0])
    while not jobs[0].done.called:
        jobs.append(Job(may_wait=True))
        worker.submit(jobs[-1])
        await deferLater(reactor, 0.01)
    await gatherResults([each.done for each in jobs])
    worker.end()
    assert [each for group in groups for each in group] == jobs
    assert len(groups[0]) > 1


@pytest_twisted.ensureDeferred
async def test_the_end_waits_for_nothing() -> None:
    """What may wait is handled at once when no more jobs come."""
    worker = start(lambda _: None, patience=3600)
    job = Job(may_wait=True)
    worker.submit(job)
    worker.end()
    await job.done


@pytest_twisted.ensureDeferred
async def test_the_end_comes_after_all_results() -> None:
    """Also of those that are delivered in later turns; and at once where there are none."""
    worker, delivered = start(lambda _: None), list[object]()
    for _ in range(3 * DELIVERED_PER_TURN):
        job = Job()
        job.done.addCallback(delivered.append)
        worker.submit(job)
    await worker.end()
    assert len(delivered) == 3 * DELIVERED_PER_TURN
    await start(lambda _: None).end()
    assert InlineWorker[Job](lambda _: None).end().called
