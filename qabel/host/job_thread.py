"""A thread of one's own for work that blocks: jobs go in one by one, and are handled in groups.

Nothing here knows Qabel.
"""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

DELIVERED_PER_TURN = 16
"""Results handed over in one turn of the reactor: each may be a request to answer."""


@attrs.define(eq=False)
class Job:
    """Something to do on the thread, and the Deferred of its result. Subclasses say what it is."""

    result: Any = attrs.field(default=None, init=False)
    """What came of it, or a Failure; set by the handler."""
    done: "Deferred[Any]" = attrs.field(factory=Deferred, init=False)

    def fail(self, error: BaseException) -> None:
        """Make it end with an error."""
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
    """Takes jobs from the reactor's thread to a handler, and their results back."""

    def submit(self, job: J_contra, /) -> None:
        """Handle the job after those that were submitted before it."""

    def end(self) -> None:
        """Take no more jobs once the submitted ones are done."""


class JobThread(Generic[J]):
    """A thread that handles jobs in their order; those that pile up meanwhile are a group.

    The handler sets the results of a group of jobs. If it raises instead, all of them fail with
    that. Results are delivered in the order of submission.
    """

    def __init__(
        self, handle: Callable[[list[J]], None], reactor: Any, *, name: str, group_size: int
    ) -> None:
        """Start the thread.

        Args:
            handle: is called on the thread with one or more jobs.
            reactor: delivers the results, a few per turn.
            name: of the thread.
            group_size: of jobs handled together at most: it bounds how long the first one waits.

        """
        self._handle = handle
        self._reactor = reactor
        self._group_size = group_size
        self._jobs: SimpleQueue[J | None] = SimpleQueue()
        self._finished: deque[J] = deque()
        """Jobs whose results are still to be delivered; for the reactor's thread alone."""
        # A daemon thread: a disk that hangs must not keep the process from ending.
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: J, /) -> None:
        """Handle the job after those that were submitted before it."""
        self._jobs.put(job)

    def end(self) -> None:
        """Take no more jobs once the submitted ones are done."""
        self._jobs.put(None)

    # On the thread

    def _run(self) -> None:
        while True:
            jobs, is_last = self._take_group()
            if jobs:
                self._handle_group(jobs)
                self._reactor.callFromThread(self._collect, jobs)
            if is_last:
                return
            # Otherwise kept until the next job comes, with all that it holds.
            del jobs

    def _take_group(self) -> tuple[list[J], bool]:
        """Wait for a job and take those that wait with it; return also whether that is the end."""
        jobs: list[J] = []
        try:
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == self._group_size:
                    return jobs, False
                job = self._jobs.get_nowait()
        except Empty:
            return jobs, False
        return jobs, True

    def _handle_group(self, jobs: list[J]) -> None:
        try:
            self._handle(jobs)
        except BaseException as error:  # noqa: BLE001 - otherwise all who wait would wait for ever
            for job in jobs:
                job.fail(error)

    # On the reactor's thread

    def _collect(self, jobs: list[J]) -> None:
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
    """Handles each job where and when it is submitted, for programs that do nothing else."""

    _handle: Callable[[list[J]], None]

    def submit(self, job: J, /) -> None:
        """Handle the job, and deliver its result."""
        self._handle([job])
        job.deliver()

    def end(self) -> None:
        """Do nothing: nothing is running."""
