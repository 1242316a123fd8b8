"""A thread for work that blocks: jobs are submitted one by one, and handled in groups.

Nothing here knows Qabel.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

DELIVERED_PER_TURN = 16
"""Results delivered in one turn of the reactor: each may be a request to answer."""


@attrs.define(eq=False)
class Job:
    """Something to do on the thread, and the Deferred of its result. Subclasses define what."""

    may_wait: bool = attrs.field(default=False, kw_only=True)
    """Whether it may wait a moment for others, so that they form a group."""
    result: Any = attrs.field(default=None, init=False)
    """The result, or a Failure; set by the handler."""
    done: "Deferred[Any]" = attrs.field(factory=Deferred, init=False)

    def fail(self, error: BaseException) -> None:
        """Set a failure as the result."""
        self.result = Failure(error)

    def deliver(self) -> None:
        """Fire the Deferred, on the reactor's thread. One that was cancelled ignores the result."""
        if isinstance(self.result, Failure):
            self.done.errback(self.result)
        else:
            self.done.callback(self.result)


J = TypeVar("J", bound=Job)
J_contra = TypeVar("J_contra", bound=Job, contravariant=True)


class Worker(Protocol[J_contra]):
    """Passes jobs from the reactor's thread to a handler, and delivers their results there."""

    def submit(self, job: J_contra, /) -> None:
        """Handle the job after those that were submitted before it."""

    def end(self) -> "Deferred[None]":
        """Take no more jobs; fires when the submitted ones are done."""


@attrs.define(eq=False)
class JobThread(Generic[J]):
    """A running thread that handles jobs in order; those that pile up meanwhile form a group.

    The handler sets the results of a group of jobs. If it raises instead, all of them fail with
    that exception. Results are delivered in the order of submission.

    Args:
        handle: called on the thread with one or more jobs.
        reactor: delivers the results, a few per turn.
        name: the name of the thread.
        group_size: jobs handled together at most; it limits how long the first one waits.
        patience: seconds that jobs which may wait do so at most, while there are no others.

    """

    _handle: Callable[[list[J]], None]
    _reactor: Any
    _name: str = attrs.field(kw_only=True)
    _group_size: int = attrs.field(kw_only=True)
    _patience: float = attrs.field(default=0.0, kw_only=True)
    _jobs: "SimpleQueue[J | None]" = attrs.field(factory=SimpleQueue, init=False)
    _finished: deque[Job] = attrs.field(factory=deque, init=False)
    """Jobs whose results are still to be delivered; for the reactor's thread alone."""
    _last: Job = attrs.field(factory=Job, init=False)
    """Stands for the end, after the results of all others."""

    def __attrs_post_init__(self) -> None:
        # A daemon thread: a disk that hangs must not keep the process from ending.
        Thread(target=self._run, name=self._name, daemon=True).start()

    def submit(self, job: J, /) -> None:
        """Handle the job after those that were submitted before it."""
        self._jobs.put(job)

    def end(self) -> "Deferred[None]":
        """Take no more jobs; fires when the results of the submitted ones are delivered."""
        self._jobs.put(None)
        return self._last.done

    # On the thread

    def _run(self) -> None:
        while True:
            jobs, is_last = self._take_group()
            if jobs:
                self._handle_group(jobs)
                self._reactor.callFromThread(self._collect, jobs)
            if is_last:
                self._reactor.callFromThread(self._collect, [self._last])
                return
            # Otherwise kept until the next job comes, with all that it holds.
            del jobs

    def _take_group(self) -> tuple[list[J], bool]:
        """Wait for a job; return it and those that wait too, and whether they are the last."""
        jobs: list[J] = []
        job, until = self._jobs.get(), 0.0
        while job is not None:
            if not jobs and job.may_wait:
                until = time.monotonic() + self._patience
            elif not job.may_wait:
                until = 0.0
            jobs.append(job)
            if len(jobs) == self._group_size:
                return jobs, False
            try:
                job = self._next(until)
            except Empty:
                return jobs, False
        return jobs, True

    def _next(self, until: float) -> J | None:
        """Return the next job, waiting for it until a time. Raises Empty if there is none."""
        left = until - time.monotonic() if until else 0.0
        return self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()

    def _handle_group(self, jobs: list[J]) -> None:
        try:
            self._handle(jobs)
        except BaseException as error:  # noqa: BLE001 - otherwise all who wait would wait for ever
            for job in jobs:
                job.fail(error)

    # On the reactor's thread

    def _collect(self, jobs: Sequence[Job]) -> None:
        is_delivering = bool(self._finished)
        self._finished += jobs
        if not is_delivering:
            self._deliver_some()

    def _deliver_some(self) -> None:
        """Deliver a few results, and the rest in later turns, so that others get theirs too."""
        for _ in range(min(len(self._finished), DELIVERED_PER_TURN)):
            self._finished.popleft().deliver()
        if self._finished:
            self._reactor.callLater(0, self._deliver_some)


@attrs.frozen(eq=False)
class InlineWorker(Generic[J]):
    """Handles each job when it is submitted, in the same thread, for programs without a reactor."""

    _handle: Callable[[list[J]], None]

    def submit(self, job: J, /) -> None:
        """Handle the job, and deliver its result."""
        self._handle([job])
        job.deliver()

    def end(self) -> "Deferred[None]":
        """Do nothing: nothing is running."""
        return succeed(None)
