"""Coroutines that mostly need not wait: begun at once, and finished without a Deferred if so."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begin(work: Coroutine[Any, Any, T]) -> T | Coroutine[Any, Any, T]:
    """Run a coroutine until it has to wait: gives its result, or a coroutine of the rest of it."""
    try:
        awaited = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    return _go_on(work, awaited)


async def _go_on(work: Coroutine[Any, Any, T], awaited: Any) -> T:
    """Wait for what ``work`` waits for, in its stead, as often as it does."""
    try:
        while True:
            try:
                value = await awaited
            except BaseException as error:  # noqa: BLE001 - all goes on to where it belongs
                awaited = work.throw(error)
            else:
                awaited = work.send(value)
    except StopIteration as done:
        result: T = done.value
        return result
