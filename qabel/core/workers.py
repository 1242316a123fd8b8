"""Threads for work that takes long: opening boxes, sealing them, hashing."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_THREADS = os.cpu_count() or 1


class Workers(Service):
    """A few threads of one's own, so that neither reactor nor name resolution waits for them."""

    name = "workers"

    def __init__(self, reactor: IReactorFromThreads, threads: int = DEFAULT_THREADS) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, threads, "workers")

    def startService(self) -> None:
        """Take work from now on."""
        super().startService()
        self._pool.start()

    def stopService(self) -> None:
        """Finish what is being done; it is a matter of milliseconds."""
        super().stopService()
        self._pool.stop()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """Call ``function`` in one of the threads; fires with its result."""
        return deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
