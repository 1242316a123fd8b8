"""The thread on which modules work."""

from threading import Event, current_thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock, deferLater

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.modules.module_thread import Hangs, ModuleThread


@pytest_twisted.ensureDeferred
async def test_work_is_done_on_another_thread() -> None:
    """Results come back, and so do errors."""
    thread = ModuleThread(reactor)
    assert await thread.run(lambda: current_thread().name) == "modules"
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    thread.leave()


@pytest_twisted.ensureDeferred
async def test_one_that_hangs_is_left() -> None:
    """The others work on, on a thread of their own."""
    thread, go = ModuleThread(reactor), Event()
    hanging = thread.run(go.wait)
    thread.leave()
    assert await thread.run(lambda: 5) == 5
    go.set()
    assert await hanging
    thread.leave()
    thread.leave()


class Silent:
    """A thread on which everything hangs."""

    def submit(self, job: object) -> None:
        """Never handle it."""

    def end(self) -> None:
        """Do nothing."""


def after_silence() -> Any:
    """Return what makes a thread on which everything hangs, and others that work."""
    silent: list[Any] = [Silent()]
    return lambda handle: silent.pop() if silent else InlineWorker(handle)


def test_patience_begins_with_the_work() -> None:
    """What hangs is given up after a time; what waits behind it is done then."""
    clock = Clock()
    thread = ModuleThread(clock, after_silence())
    hanging, other = thread.run(int, 30), thread.run(lambda: 5, 30)
    clock.advance(29)
    assert not hanging.called
    clock.advance(1)
    assert result_of(other) == 5
    with pytest.raises(Hangs):
        result_of(hanging)
    assert clock.getDelayedCalls() == []


def test_who_gives_up_is_passed_over() -> None:
    """Work that nobody waits for any more is not begun; what goes on is let go on."""
    clock = Clock()
    thread = ModuleThread(clock, after_silence())
    first, second = thread.run(int, 30), thread.run(int, 30)
    third = thread.run(lambda: 5)
    for each in (first, second):
        each.cancel()
        with pytest.raises(CancelledError):
            result_of(each)
    assert not third.called
    clock.advance(30)
    assert result_of(third) == 5
    thread.stop()


@pytest_twisted.ensureDeferred
async def test_what_waits_when_it_is_stopped() -> None:
    """It is done, and the thread ends."""
    before = set(enumerate_threads())
    thread, go = ModuleThread(reactor), Event()
    first, second = thread.run(go.wait), thread.run(lambda: 5)
    thread.stop()
    [mine] = [each for each in enumerate_threads() if each not in before]
    go.set()
    assert (await first, await second) == (True, 5)
    while mine.is_alive():
        await deferLater(reactor, 0)  # type: ignore[arg-type]
