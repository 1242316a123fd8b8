"""Measures the turns of the reactor in the process that loads this, when Python starts.

A turn is the time between two waits. The length of the longest one so far, in seconds, is written
to the file that ``QABEL_BENCH_TURNS`` names; emptying the file starts the search again.
"""

import os
import time
from typing import Any

from twisted.internet import epollreactor


class TimedEpoll:
    """An epoll object that measures the time between two waits."""

    def __init__(self, size: int) -> None:
        self._inner = _epoll(size)
        self._path = os.environ["QABEL_BENCH_TURNS"]
        self._longest = 0.0
        self._returned: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def poll(self, timeout: float = -1, maxevents: int = -1) -> Any:
        """Wait, after recording the turn that ends here."""
        if self._returned is not None:
            self._note(time.perf_counter() - self._returned)
        events = self._inner.poll(timeout, maxevents)
        self._returned = time.perf_counter()
        return events

    def _note(self, turn: float) -> None:
        if turn <= self._longest and os.path.getsize(self._path):
            return
        self._longest = turn
        with open(self._path, "w") as file:
            file.write(f"{turn}")


_epoll = epollreactor.epoll
epollreactor.epoll = TimedEpoll  # type: ignore[misc, assignment]
