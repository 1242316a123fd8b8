"""How long the parts of a module that run on the reactor hold it up."""

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any, TypeVar

from attrs import define, field, frozen

SLOW = 0.01
"""Seconds: a call that takes longer is counted."""

T = TypeVar("T")


@define(eq=False)
class ReactorTime:
    """Measures the calls of a module: of a coroutine, each run from one pause to the next."""

    _clock: Callable[[], float] = time.perf_counter
    seconds: float = field(default=0.0, init=False)
    """How long all calls took."""
    slow: int = field(default=0, init=False)
    """How many took longer than ``SLOW``."""

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Return a context within which the module runs."""
        started = self._clock()
        try:
            yield
        finally:
            took = self._clock() - started
            self.seconds += took
            self.slow += took > SLOW

    def call(self, work: Callable[[], T]) -> T:
        """Return what a function of the module returns; a coroutine is measured as it goes on."""
        with self.measuring():
            result = work()
        return _Measured(self, result) if iscoroutine(result) else result  # type: ignore[return-value]


@frozen(eq=False)
class _Measured(Awaitable[Any]):
    """A coroutine whose runs are measured."""

    _time: ReactorTime
    _coroutine: Any

    def __await__(self) -> Generator[Any, Any, Any]:
        error: BaseException | None = None
        value: Any = None
        while True:
            with self._time.measuring():
                try:
                    if error is None:
                        waits_for = self._coroutine.send(value)
                    else:
                        waits_for = self._coroutine.throw(error)
                except StopIteration as end:
                    return end.value
            error = value = None
            try:
                value = yield waits_for
            except BaseException as raised:  # noqa: BLE001 - it is passed on, whatever it is
                error = raised
