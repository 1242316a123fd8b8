"""The thread on which a drop server's file lives: what piles up meanwhile is committed together."""

import sqlite3
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.dropserver.message_file import MessageFile, Row, Selection, Since

GROUP_SIZE = 256
"""Jobs that are taken together at most: it bounds how long the first of them waits."""


class Unavailable(Exception):
    """The store cannot do what was asked: the disk fails, or the server is stopping."""


@attrs.define(eq=False)
class _Job:
    """A message to keep, or something else to do, and what became of it."""

    message: tuple[str, bytes] | None = attrs.field(default=None, repr=False)
    work: Callable[[MessageFile], Any] | None = None
    result: Any = None
    done: "Deferred[Any]" = attrs.field(factory=Deferred)


class Store:
    """Does on a thread of its own what `MessageFile` does. Everything fails with Unavailable only.

    Results come in the order of commits: a caller that hands on a stamp as soon as it has it never
    overtakes one with a smaller stamp.
    """

    _log = Logger()

    def __init__(self, file: MessageFile, reactor: IReactorFromThreads) -> None:
        self._file = file
        self._reactor = reactor
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ended: Deferred[None] = Deferred()
        self._closing = False
        self._failing = False
        # A daemon thread: a disk that hangs must not keep the process from ending.
        self._thread = Thread(target=self._run, name="drop-store", daemon=True)
        self._thread.start()

    def append(self, drop_id: str, body: bytes) -> "Deferred[int]":
        """Keep a message; fires with its stamp when it is on the disk."""
        return self._submit(_Job(message=(drop_id, body)))

    def open(
        self, drop_id: str, since: Since | None, limit: int
    ) -> "Deferred[tuple[Selection, list[Row]] | None]":
        """Select messages and read the first ``limit`` of them; None if there are none."""

        def work(file: MessageFile) -> tuple[Selection, list[Row]] | None:
            selection = file.select(drop_id, since)
            if selection is None:
                return None
            rows = file.read(drop_id, selection.after, selection.newest, limit) if limit else []
            return selection, rows

        return self._submit(_Job(work=work))

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> "Deferred[list[Row]]":
        """Read messages with stamps past ``after`` up to ``newest``, oldest first."""
        return self._submit(_Job(work=lambda file: file.read(drop_id, after, newest, limit)))

    def expire(self) -> "Deferred[int]":
        """Let go of some messages that are too old or too many; fires with how many they were."""
        return self._submit(_Job(work=MessageFile.expire))

    def forget_deleted(self) -> "Deferred[None]":
        """Wipe from the disk what was deleted."""
        return self._submit(_Job(work=MessageFile.forget_deleted))

    def close(self) -> "Deferred[None]":
        """Do what was asked for before, then close the file; fires when that is done."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        return self._ended

    def _submit(self, job: _Job) -> "Deferred[Any]":
        if self._closing:
            return fail(Unavailable("the store is closed"))
        self._jobs.put(job)
        return job.done

    # --- on the thread ---

    def _run(self) -> None:
        last = False
        while not last:
            jobs, last = self._take()
            self._append([job for job in jobs if job.message is not None])
            self._work([job for job in jobs if job.work is not None])
            # Kept until the next job comes otherwise, with the messages in them.
            del jobs
        try:
            self._file.close()
        except sqlite3.Error as error:
            self._log.error("the messages' file did not close: {error}", error=str(error))
        self._reactor.callFromThread(self._ended.callback, None)

    def _take(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and take along those that wait with it; tell if it was the end."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        try:
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP_SIZE:
                    return jobs, False
                job = self._jobs.get_nowait()
        except Empty:
            return jobs, False
        return jobs, True

    def _append(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            stamps = self._file.append(job.message for job in jobs if job.message is not None)
            for job, stamp in zip(jobs, stamps, strict=True):
                job.result = stamp
            self._failing = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            failure = self._failed(error)
            for job in jobs:
                job.result = failure
        self._reactor.callFromThread(_deliver, jobs)

    def _work(self, jobs: list[_Job]) -> None:
        for job in jobs:
            try:
                job.result = job.work(self._file) if job.work is not None else None
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                job.result = self._failed(error)
        if jobs:
            self._reactor.callFromThread(_deliver, jobs)

    def _failed(self, error: Exception) -> Failure:
        """Log the first failure of a row: a full disk would fill the log too."""
        if not self._failing:
            self._failing = True
            self._log.error(
                "the store fails: {kind}: {error}", kind=type(error).__name__, error=str(error)
            )
        return Failure(Unavailable("the store fails"))


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        if isinstance(job.result, Failure):
            job.done.errback(job.result)
        else:
            job.done.callback(job.result)
