"""The index on a thread of its own. What is asked at the same time is one transaction."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from qabel.blockserver.block_values import BlockRefused
from qabel.blockserver.object_index import ObjectIndex
from qabel.host.job_thread import Job, JobThread

GROUP_SIZE = 64
"""Jobs that are one transaction at most: writing to the disk takes the same time for all."""

_Result = TypeVar("_Result")


class IndexUnavailable(Exception):
    """The index cannot be used now."""


@attrs.define(eq=False)
class _IndexJob(Job):
    """Something to do with the index."""

    act: Callable[[ObjectIndex], Any]


@attrs.define(eq=False)
class IndexThread:
    """Asks and changes the index.

    Args:
        connection: to the index, which is this object's from now on.
        reactor: gets the results.

    """

    _connection: sqlite3.Connection
    _reactor: Any
    _index: ObjectIndex = attrs.field(init=False)
    _thread: "JobThread[_IndexJob]" = attrs.field(init=False)
    _is_closed: bool = attrs.field(default=False, init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._index = ObjectIndex(self._connection)
        self._thread = JobThread(
            self._handle, self._reactor, name="block-index", group_size=GROUP_SIZE
        )

    def run(self, act: Callable[[ObjectIndex], _Result]) -> "Deferred[_Result]":
        """Call a function with the index on the thread; fires with its result.

        What it changed is on the disk then. Fails with BlockRefused as the function raises it, and
        with IndexUnavailable for an error of the file.
        """
        if self._is_closed:
            return fail(IndexUnavailable())
        job = _IndexJob(act)
        self._thread.submit(job)
        return job.done

    async def close(self) -> None:
        """Finish what was begun, and close the file."""
        self._is_closed = True
        await self._thread.end()
        self._connection.close()

    def _handle(self, jobs: list[_IndexJob]) -> None:
        try:
            with self._index.transaction():
                for job in jobs:
                    self._do(job)
        except sqlite3.Error as error:
            self._log.error("the index cannot be used: {error}", error=str(error))
            raise IndexUnavailable from None

    def _do(self, job: _IndexJob) -> None:
        connection = self._index.connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.act(self._index)
        except BlockRefused as refused:
            connection.execute("ROLLBACK TO job")
            job.fail(refused)
        connection.execute("RELEASE job")
