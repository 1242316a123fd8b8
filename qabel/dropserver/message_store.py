"""The messages of a drop server, stored on a thread of their own.

Messages that wait for the thread together are committed together.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from qabel.dropserver.admission import Full
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_rows import is_damage
from qabel.dropserver.message_values import Post, Row, Selection, Since
from qabel.dropserver.storage import NoRoom, StoreUnavailable, T
from qabel.dropserver.usage import Usage
from qabel.host.job_thread import Job, JobThread
from qabel.host.turn_groups import TurnGroups

GROUP_SIZE = 256
"""Jobs that are handled together at most: it limits how long the first of them waits."""


@attrs.define(eq=False)
class _StoreJob(Job):
    """A message to store, or something else to do with the file."""

    post: Post | None = attrs.field(default=None, repr=False)
    work: Callable[[MessageFile], Any] | None = None


@attrs.define(eq=False, repr=False)
class MessageStore:
    """A ``Storage`` that uses a ``MessageFile`` on a thread of its own.

    Results are delivered in the order of commits: who passes on each stamp at once never passes on
    a smaller one later.

    Args:
        file: used by this store alone from now on.
        reactor: Twisted's reactor.

    """

    _file: MessageFile
    _reactor: Any
    _thread: JobThread[_StoreJob] = attrs.field(init=False)
    _turn: TurnGroups[_StoreJob] = attrs.field(init=False)
    _closed: "Deferred[None] | None" = attrs.field(default=None, init=False)
    _failing: bool = attrs.field(default=False, init=False)
    """Whether a failure was logged, and no message was stored since."""

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._thread = JobThread(
            self._handle, self._reactor, name="drop-store", group_size=GROUP_SIZE
        )
        self._turn = TurnGroups(lambda: self._thread, self._reactor)

    def append(self, post: Post) -> "Deferred[int]":
        """Store a message; fires with its stamp once it is on the disk."""
        return self._submit(_StoreJob(post=post))

    def open(
        self, drop_id: str, since: Since | None, limit: int
    ) -> "Deferred[tuple[Selection, list[Row]] | None]":
        """Select the messages of a drop, and read the first of them; see ``Storage.open``."""

        def work(file: MessageFile) -> tuple[Selection, list[Row]] | None:
            selection = file.select(drop_id, since)
            if selection is None:
                return None
            rows = file.read(drop_id, selection.after, selection.newest, limit) if limit else []
            return selection, rows

        return self._submit(_StoreJob(work=work))

    def read(
        self, drop_id: str, after: int, newest: int, limit: int, make: Callable[[list[Row]], T]
    ) -> "Deferred[T]":
        """Read up to ``limit`` messages with ``after < stamp <= newest``; see ``Storage.read``."""

        def work(file: MessageFile) -> T:
            return make(file.read(drop_id, after, newest, limit))

        return self._submit(_StoreJob(work=work))

    def expire(self) -> "Deferred[int]":
        """Delete some messages that are too old or too many; fires with how many, 0 at the end."""
        return self._submit(_StoreJob(work=MessageFile.expire))

    def note_asked(self, drop_ids: Iterable[str]) -> "Deferred[None]":
        """Note that somebody asks for drops; to open one notes it, too."""
        return self._submit(_StoreJob(work=lambda file: file.note_asked(drop_ids)))

    def keep_asked(self) -> "Deferred[bool]":
        """Write some of what was noted to the file; fires with whether there is more."""
        return self._submit(_StoreJob(work=MessageFile.keep_asked))

    def purge(self, purge: MessagePurge) -> "Deferred[MessagePurge]":
        """Do a step of a purge; fires with it."""
        return self._submit(_StoreJob(work=lambda file: file.purge(purge)))

    def usage(self) -> "Deferred[Usage]":
        """Return what the messages take, and whether more can be stored."""
        return self._submit(_StoreJob(work=MessageFile.usage))

    def forget_deleted(self) -> "Deferred[None]":
        """Remove from the disk what was deleted."""
        return self._submit(_StoreJob(work=MessageFile.forget_deleted))

    def close(self) -> "Deferred[None]":
        """Finish what was asked for before, then close the file; fires when that is done."""
        if self._closed is None:
            self._closed = self._submit(_StoreJob(work=self._close_file))
            self._turn.flush()
            self._thread.end()
        return self._closed

    def _submit(self, job: _StoreJob) -> "Deferred[Any]":
        if self._closed is not None:
            return fail(StoreUnavailable("the store is closed"))
        self._turn.submit(job)
        return job.done

    # On the thread

    def _handle(self, jobs: list[_StoreJob]) -> None:
        self._append([job for job in jobs if job.post is not None])
        self._work([job for job in jobs if job.work is not None])

    def _append(self, jobs: list[_StoreJob]) -> None:
        while jobs:
            batch = self._file.batch
            self._append_together(jobs[:batch])
            jobs = jobs[batch:]

    def _append_together(self, jobs: list[_StoreJob]) -> None:
        try:
            stamps = self._file.append(job.post for job in jobs if job.post is not None)
            for job, stamp in zip(jobs, stamps, strict=True):
                if isinstance(stamp, Full):
                    job.fail(NoRoom(stamp))
                else:
                    job.result = stamp
            self._failing = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            if len(jobs) > 1 and isinstance(error, sqlite3.Error) and is_damage(error):
                # The page of a single drop may be damaged: the messages of the others are stored.
                for job in jobs:
                    self._append_together([job])
                return
            unavailable = self._unavailable(error)
            for job in jobs:
                job.fail(unavailable)

    def _work(self, jobs: list[_StoreJob]) -> None:
        for job in jobs:
            try:
                job.result = job.work(self._file) if job.work is not None else None
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                job.fail(self._unavailable(error))

    def _close_file(self, file: MessageFile) -> None:
        try:
            file.close()
        except sqlite3.Error as error:
            self._log.error("The message file could not be closed: {error}", error=str(error))

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        """Log the first failure of several in a row: all of them would fill the disk with logs."""
        if not self._failing:
            self._failing = True
            self._log.error(
                "The message file cannot be used: {kind}: {error}",
                kind=type(error).__name__,
                error=str(error),
            )
        return StoreUnavailable("the message file cannot be used")
