"""Workers: work is done on threads of their own, and results come back to the reactor."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.core.errors import Unavailable
from qabel.core.workers import Workers
from qabel.deferreds import result_of


@define
class Calls:
    """Stands for the reactor: keeps what threads want called until the test calls it."""

    waiting: SimpleQueue[Callable[[], object]] = field(factory=SimpleQueue)

    def callFromThread(self, call: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Keep a call."""
        self.waiting.put(lambda: call(*args, **kwargs))

    def run_one(self) -> None:
        """Wait for a call, and make it."""
        self.waiting.get(timeout=30)()


@pytest.fixture
def calls() -> Calls:
    """Return what stands for the reactor."""
    return Calls()


@pytest.fixture
def workers(calls: Calls) -> Iterator[Workers]:
    """Return workers that are started, and stopped at the end."""
    made = Workers(calls)
    made.start()
    yield made
    made.stop()


def test_work_is_done_on_another_thread(workers: Workers, calls: Calls) -> None:
    """A function runs on a thread, and its result is told on the reactor's own."""
    result = workers.run(lambda number, *, add: (threading.get_ident(), number + add), 1, add=2)
    assert not result.called
    calls.run_one()
    thread, total = result_of(result)
    assert thread != threading.get_ident()
    assert total == 3


def test_errors_come_back(workers: Workers, calls: Calls) -> None:
    """What the function raises is the failure of the Deferred."""
    result = workers.run(lambda: 1 / 0)
    calls.run_one()
    with pytest.raises(ZeroDivisionError):
        result_of(result)


def test_two_work_side_by_side(workers: Workers, calls: Calls) -> None:
    """One piece of work does not wait for another."""
    meeting = threading.Barrier(2, timeout=30)
    results = [workers.run(meeting.wait) for _ in range(2)]
    for _ in results:
        calls.run_one()
    assert {result_of(each) for each in results} == {0, 1}


def test_stopping_ends_what_was_begun(workers: Workers, calls: Calls) -> None:
    """When stop returns, work that had begun is done."""
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        go_on.wait(30)
        done.append(True)

    result: Deferred[None] = workers.run(work)
    begun.wait(30)
    threading.Timer(0.05, go_on.set).start()
    workers.stop()
    assert done == [True]
    calls.run_one()
    result_of(result)


def test_no_work_is_taken_when_stopped(calls: Calls) -> None:
    """Before the start, and after a stop, work fails with Unavailable; a second stop is no harm."""
    workers, done = Workers(calls), []
    with pytest.raises(Unavailable):
        result_of(workers.run(done.append, 1))
    workers.start()
    workers.stop()
    workers.stop()
    with pytest.raises(Unavailable):
        result_of(workers.run(done.append, 2))
    assert done == []


def test_how_long_the_oldest_task_takes(workers: Workers, calls: Calls) -> None:
    """A task that hangs shows, and one that has ended, even badly, does not."""
    began, release = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        release.wait(30)
        raise ValueError("odd")

    assert workers.longest() == 0
    done = workers.run(hang)
    assert began.wait(30)
    assert workers.longest() > 0
    release.set()
    calls.run_one()
    with pytest.raises(ValueError, match="odd"):
        result_of(done)
    assert workers.longest() == 0
