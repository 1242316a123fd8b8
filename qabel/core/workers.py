"""Threads for work that takes long: opening boxes, sealing them, hashing."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from qabel.core.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

THREADS = (os.cpu_count() or 1) + 1


@define(eq=False)
class Workers:
    """A few threads of one's own, so that neither reactor nor name resolution waits for them."""

    _reactor: IReactorFromThreads
    _pool: ThreadPool = field(factory=lambda: ThreadPool(0, THREADS, "workers"), init=False)
    _working: bool = field(default=False, init=False)

    def start(self) -> None:
        """Take work from now on."""
        self._working = True
        self._pool.start()

    def stop(self) -> None:
        """Finish what is being done, which is a matter of milliseconds, and take no more."""
        if self._working:
            self._working = False
            self._pool.stop()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """Call ``function`` in one of the threads; fires with its result."""
        if not self._working:
            return fail(Unavailable("The daemon is stopping."))
        return deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
