"""The thread on which modules work: one that hangs is left behind."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from qabel.host.job_thread import Job, JobThread, Worker

T = TypeVar("T")


@define(eq=False)
class _Call(Job):
    work: Callable[[], Any]


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
        reactor: receives the results.
        make_worker: returns what runs the work; a thread, unless nothing else is going on.

    """

    _reactor: Any
    _make_worker: Callable[[Callable[[list[_Call]], None]], Worker[_Call]] | None = None
    _worker: Worker[_Call] | None = field(default=None, init=False)

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Call a function on the thread; fires with its result, or fails as it does."""
        if self._worker is None:
            make = self._make_worker or self._make_thread
            self._worker = make(_handle)
        call = _Call(work)
        self._worker.submit(call)
        return call.done

    def leave(self) -> None:
        """Use another thread from now on: this one hangs, or is not needed any more.

        It ends after what it does at present, if that ends.
        """
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _make_thread(self, handle: Callable[[list[_Call]], None]) -> Worker[_Call]:
        return JobThread(handle, self._reactor, name="modules", group_size=1)
