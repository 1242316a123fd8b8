"""Threads for work that takes long: opening, sealing and hashing messages."""

import os
import time
from collections.abc import Callable
from functools import partial
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
"""How many threads there are at most."""


@define(eq=False)
class Workers:
    """A separate thread pool, so that neither the reactor nor name resolution waits for it."""

    _reactor: IReactorFromThreads
    _pool: ThreadPool = field(factory=lambda: ThreadPool(0, THREADS, "workers"), init=False)
    _working: bool = field(default=False, init=False)
    _begun: dict[object, float] = field(factory=dict, init=False)
    """When each task that is being done began; each key is one of a task."""

    def start(self) -> None:
        """Start the threads."""
        self._working = True
        self._pool.start()

    def stop(self) -> None:
        """Finish the work in progress, which takes milliseconds, and accept no more."""
        if self._working:
            self._working = False
            self._pool.stop()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """Call a function in one of the threads.

        The Deferred fires with its result, or fails with Unavailable if the workers are stopped.
        """
        if not self._working:
            return fail(Unavailable("The daemon is stopping."))
        return deferToThreadPool(
            self._reactor, self._pool, self._timed, partial(function, *args, **kwargs)
        )

    def longest(self) -> float:
        """Return for how many seconds the oldest task has been worked on; 0 if there is none."""
        begun = list(self._begun.values())
        return time.monotonic() - min(begun) if begun else 0.0

    def _timed(self, function: Callable[[], T]) -> T:
        task = object()
        self._begun[task] = time.monotonic()
        try:
            return function()
        finally:
            del self._begun[task]
