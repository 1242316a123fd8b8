"""The thread on which a drop server's file lives: what piles up meanwhile is committed together."""

import sqlite3
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from qabel.dropserver.message_file import MessageFile, Row, Selection, Since
from qabel.host.job_thread import Job, JobThread

GROUP_SIZE = 256
"""Jobs that are taken together at most: it bounds how long the first of them waits."""


class StoreUnavailable(Exception):
    """The store cannot do what was asked: the disk fails, or the server is stopping."""


@attrs.define(eq=False)
class _StoreJob(Job):
    """A message to keep, or something else to do."""

    message: tuple[str, bytes] | None = attrs.field(default=None, repr=False)
    work: Callable[[MessageFile], Any] | None = None


class MessageStore:
    """Runs `MessageFile` on a thread of its own. Every call fails with StoreUnavailable only.

    Results come in the order of commits: a caller that hands on a stamp as soon as it has it never
    overtakes one with a smaller stamp.
    """

    _log = Logger()

    def __init__(self, file: MessageFile, reactor: IReactorFromThreads) -> None:
        self._file = file
        self._thread: JobThread[_StoreJob] = JobThread(
            self._handle, reactor, name="drop-store", group_size=GROUP_SIZE
        )
        self._closed: Deferred[None] | None = None
        self._failing = False

    def append(self, drop_id: str, body: bytes) -> "Deferred[int]":
        """Keep a message; fires with its stamp when it is on the disk."""
        return self._submit(_StoreJob(message=(drop_id, body)))

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

        return self._submit(_StoreJob(work=work))

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> "Deferred[list[Row]]":
        """Read messages with stamps past ``after`` up to ``newest``, oldest first."""
        return self._submit(_StoreJob(work=lambda file: file.read(drop_id, after, newest, limit)))

    def expire(self) -> "Deferred[int]":
        """Let go of some messages that are too old or too many; fires with how many they were."""
        return self._submit(_StoreJob(work=MessageFile.expire))

    def forget_deleted(self) -> "Deferred[None]":
        """Wipe from the disk what was deleted."""
        return self._submit(_StoreJob(work=MessageFile.forget_deleted))

    def close(self) -> "Deferred[None]":
        """Do what was asked for before, then close the file; fires when that is done."""
        if self._closed is None:
            self._closed = self._submit(_StoreJob(work=self._close_file))
            self._thread.end()
        return self._closed

    def _submit(self, job: _StoreJob) -> "Deferred[Any]":
        if self._closed is not None:
            return fail(StoreUnavailable("the store is closed"))
        self._thread.submit(job)
        return job.done

    # --- on the thread ---

    def _handle(self, jobs: list[_StoreJob]) -> None:
        self._append([job for job in jobs if job.message is not None])
        self._work([job for job in jobs if job.work is not None])

    def _close_file(self, file: MessageFile) -> None:
        try:
            file.close()
        except sqlite3.Error as error:
            self._log.error("the messages' file did not close: {error}", error=str(error))

    def _append(self, jobs: list[_StoreJob]) -> None:
        if not jobs:
            return
        try:
            stamps = self._file.append(job.message for job in jobs if job.message is not None)
            for job, stamp in zip(jobs, stamps, strict=True):
                job.result = stamp
            self._failing = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            unavailable = self._failed(error)
            for job in jobs:
                job.fail(unavailable)

    def _work(self, jobs: list[_StoreJob]) -> None:
        for job in jobs:
            try:
                job.result = job.work(self._file) if job.work is not None else None
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                job.fail(self._failed(error))

    def _failed(self, error: Exception) -> StoreUnavailable:
        """Log the first failure of a row: a full disk would fill the log too."""
        if not self._failing:
            self._failing = True
            self._log.error(
                "the store fails: {kind}: {error}", kind=type(error).__name__, error=str(error)
            )
        return StoreUnavailable("the store fails")
