"""The thread that a database lives on: jobs go in one by one, and are worked off in groups."""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from qabel.store.database.connection import Connection

GROUP_SIZE = 64
"""How many jobs are taken together at most: it bounds how long the first of them waits."""

DELIVERED_AT_ONCE = 16
"""Results that are handed over in one turn of the reactor: each may be a request to answer."""

Work = Callable[[Connection], Any]


@attrs.define(eq=False)
class Job:
    """Something to do on the database's thread, and the Deferred of its result."""

    work: Work
    transaction: bool = True
    """False for what cannot be part of one, as opening and closing; it gets no connection."""
    result: Any = None
    """What ``work`` gave, or a Failure."""
    done: "Deferred[Any]" = attrs.field(factory=Deferred)

    def deliver(self) -> None:
        """Fire the Deferred; on the reactor's thread. One cancelled meanwhile hears nothing."""
        if isinstance(self.result, Failure):
            self.done.errback(self.result)
        else:
            self.done.callback(self.result)

    def fail(self, error: BaseException) -> None:
        """Have it end with an error."""
        self.result = Failure(error)


Handler = Callable[[list[Job]], None]
"""Works off jobs in order and sets their results."""


class Worker(Protocol):
    """Takes jobs from the reactor's thread to a handler, and their results back."""

    def submit(self, job: Job) -> None:
        """Have the job worked off after those that were submitted before it."""

    def end(self) -> None:
        """Take no more jobs once the submitted ones are done."""


class ThreadWorker:
    """A thread of one's own; jobs that pile up while it works are handled together."""

    def __init__(self, handle: Handler, reactor: Any, name: str = "store") -> None:
        self._handle = handle
        self._reactor = reactor
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._finished: deque[Job] = deque()
        """Results on their way to who waits for them; the reactor's thread alone touches it."""
        # A daemon thread: a disk that hangs must not keep the process from ending.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Have the job worked off after those that were submitted before it."""
        self._jobs.put(job)

    def end(self) -> None:
        """Take no more jobs once the submitted ones are done."""
        self._jobs.put(None)

    def _run(self) -> None:
        while True:
            jobs, last = self._take()
            if jobs:
                self._try(jobs)
                self._reactor.callFromThread(self._done, jobs)
            if last:
                return
            # Kept until the next job comes otherwise, with all that its closure holds.
            del jobs

    def _done(self, jobs: list[Job]) -> None:
        is_delivering = bool(self._finished)
        self._finished += jobs
        if not is_delivering:
            self._deliver()

    def _deliver(self) -> None:
        """Give some results to who waits for them, in their order; others go on in between."""
        for _ in range(min(len(self._finished), DELIVERED_AT_ONCE)):
            self._finished.popleft().deliver()
        if self._finished:
            self._reactor.callLater(0, self._deliver)

    def _try(self, jobs: list[Job]) -> None:
        try:
            self._handle(jobs)
        except BaseException as error:  # noqa: BLE001 - else all who wait would wait for ever
            for job in jobs:
                job.fail(error)

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for a job, and take along those that wait with it; tell if it was the end."""
        jobs: list[Job] = []
        try:
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP_SIZE:
                    return jobs, False
                job = self._jobs.get_nowait()
        except Empty:
            return jobs, False
        return jobs, True
