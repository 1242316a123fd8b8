"""Threads for calls that block, such as reading and writing files."""

import errno
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred, DeferredList, fail

from qabel.host.job_thread import Job, JobThread

_Result = TypeVar("_Result")


@attrs.define(eq=False)
class _BlockingCall(Job):
    """A call of a function."""

    act: Callable[[], Any]


@attrs.define(eq=False)
class _BlockingThread:
    """One of them."""

    thread: "JobThread[_BlockingCall]"
    waiting: int = 0
    """How many calls it has not finished."""


@attrs.define(eq=False)
class BlockingThreads:
    """Calls functions on a few threads. A disk that hangs does not keep the process from ending.

    Args:
        reactor: gets the results.
        name: of the threads.
        count: how many calls are under way at the same time at most.

    """

    _reactor: Any
    _name: str
    _count: int
    _threads: list[_BlockingThread] = attrs.field(init=False)
    _is_closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._threads = [
            _BlockingThread(JobThread(_handle, self._reactor, name=self._name, group_size=1))
            for _ in range(self._count)
        ]

    def run(self, act: Callable[[], _Result]) -> "Deferred[_Result]":
        """Call a function on a thread; fires with its result, or fails with what it raises."""
        if self._is_closed:
            return fail(OSError(errno.ESHUTDOWN, "the threads have ended"))
        idlest = min(self._threads, key=lambda each: each.waiting)
        idlest.waiting += 1
        call = _BlockingCall(act)

        def finished(result: Any) -> Any:
            idlest.waiting -= 1
            return result

        call.done.addBoth(finished)
        idlest.thread.submit(call)
        return call.done

    async def close(self) -> None:
        """Take no more calls; return when those that were taken are done."""
        self._is_closed = True
        await DeferredList([each.thread.end() for each in self._threads])


def _handle(calls: list[_BlockingCall]) -> None:
    for call in calls:
        call.result = call.act()
