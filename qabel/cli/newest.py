"""The newest of many things, and how many there are."""

from collections import deque
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def newest(items: Iterable[T], limit: int | None) -> tuple[list[T], int]:
    """Return the last items, at most ``limit`` unless that is None, and the number of all."""
    kept: deque[T] = deque(maxlen=limit)
    total = 0
    for item in items:
        kept.append(item)
        total += 1
    return list(kept), total


def cut_note(shown: int, total: int) -> str:
    """Return the note that not all are shown; an empty text if all are."""
    return f"The newest {shown} of {total}. To list all of them: --all" if shown < total else ""
