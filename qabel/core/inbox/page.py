"""A page of the inbox, and the reader's cursor, which moves once the page was delivered."""

from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred

from qabel.core.inbox.turns import Turns
from qabel.store.journal.cursors import Reader

MAX_RANGES = 100
"""Ranges of ids that are listed at most."""


def ranges_text(ranges: Iterable[tuple[int, int]]) -> str:
    """Return ids as text: single ones and ranges, separated by commas, as in ``7,12-15``.

    Too many are joined, where the gaps between them are shortest: none is left out.
    """
    ordered = sorted(ranges)
    while len(ordered) > MAX_RANGES:
        gaps = [later[0] - earlier[1] for earlier, later in pairwise(ordered)]
        at = gaps.index(min(gaps))
        ordered[at : at + 2] = [(ordered[at][0], ordered[at + 1][1])]
    return ",".join(str(one) if one == other else f"{one}-{other}" for one, other in ordered)


@frozen
class Page:
    """Messages to read: ``body`` is a JSON list of them, or None if there are none."""

    body: bytes | None = field(repr=False)
    latest: str
    """The cursor of the last message in the page, or the newest if the page is empty."""
    _move: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    _turns: Turns | None = field(default=None, repr=False)
    _reader: Reader = (0, "")
    damaged: str = ""
    """The ids of the messages up to ``latest`` that cannot be read: see ``ranges_text``."""

    async def handed_over(self) -> None:
        """Move the consumer's cursor: call it once the reader has the whole page."""
        if self._move is not None:
            await self._move()

    def on_its_way(self, finished: "Deferred[Any]") -> None:
        """Move the consumer's cursor when ``finished`` fires.

        Until then, a read with ``in_turn`` by the same consumer waits. If ``finished`` fails, the
        next read returns the same messages.
        """
        if self._move is not None and self._turns is not None:
            self._turns.take(self._reader, finished, self._move)
