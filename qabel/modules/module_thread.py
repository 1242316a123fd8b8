"""The thread on which modules work: one that hangs is left behind."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from qabel.host.job_thread import Job, JobThread, Worker

T = TypeVar("T")


class Hangs(Exception):
    """Some work did not end in time."""


@define(eq=False)
class _Call(Job):
    work: Callable[[], Any]
    patience: float | None
    answer: "Deferred[Any]" = field(factory=Deferred, init=False)
    """Fires for who asked, who may have given up; ``done`` fires when the work ends."""


def _handle(jobs: list[_Call]) -> None:
    for job in jobs:
        try:
            job.result = job.work()
        except BaseException:  # noqa: BLE001 - it is the result, whatever it is
            job.result = Failure()


@define(eq=False)
class ModuleThread:
    """Runs the work of modules one after another.

    Args:
        reactor: receives the results, and measures how long work takes.
        make_worker: returns what runs the work; a thread, unless nothing else is going on.

    """

    _reactor: Any
    _make_worker: Callable[[Callable[[list[_Call]], None]], Worker[_Call]] | None = None
    _worker: Worker[_Call] | None = field(default=None, init=False)
    _waiting: deque[_Call] = field(factory=deque, init=False)
    _running: _Call | None = field(default=None, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def run(self, work: Callable[[], T], patience: float | None = None) -> "Deferred[T]":
        """Call a function on the thread; fires with its result, or fails as it does.

        Args:
            work: the function.
            patience: seconds that it may take, once it has begun. Then the Deferred fails with
                Hangs, and the thread is left behind with it.

        """
        call = _Call(work, patience)
        self._waiting.append(call)
        self._go_on()
        return call.answer

    def leave(self) -> None:
        """Use another thread from now on: this one hangs, or is not needed any more.

        It ends after what it does at present, if that ends.
        """
        self._cancel_timer()
        worker, self._worker, self._running = self._worker, None, None
        if worker is not None:
            worker.end()
        self._go_on()

    def stop(self) -> None:
        """Do what waits already, and leave the thread then."""
        self._is_stopped = True
        if not self._waiting:
            self.leave()

    def _go_on(self) -> None:
        while self._running is None and self._waiting:
            call = self._waiting.popleft()
            # Otherwise who asked has given up meanwhile.
            if not call.answer.called:
                self._begin(call)

    def _begin(self, call: _Call) -> None:
        if self._worker is None:
            make = self._make_worker or self._make_thread
            self._worker = make(_handle)
        self._running = call
        if call.patience is not None:
            self._timer = self._reactor.callLater(call.patience, self._hangs, call)
        call.done.addBoth(self._ended, call)
        self._worker.submit(call)

    def _ended(self, result: object, call: _Call) -> None:
        if call is self._running:
            self._cancel_timer()
            self._running = None
        if not call.answer.called:
            call.answer.callback(result)
        if self._is_stopped and self._running is None and not self._waiting:
            self.leave()
        self._go_on()

    def _hangs(self, call: _Call) -> None:
        self._timer = None
        # The others go on first: they have waited long enough.
        self.leave()
        if not call.answer.called:
            call.answer.errback(Hangs())

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _make_thread(self, handle: Callable[[list[_Call]], None]) -> Worker[_Call]:
        return JobThread(handle, self._reactor, name="modules", group_size=1)
