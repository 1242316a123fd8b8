"""A page of the inbox, and the reader's cursor, which moves once the page was delivered."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred

from qabel.core.inbox.turns import Turns
from qabel.store.journal.cursors import Reader


@frozen
class Page:
    """Messages to read: ``body`` is a JSON list of them, or None if there are none."""

    body: bytes | None = field(repr=False)
    latest: str
    """The cursor of the last message in the page, or the newest if the page is empty."""
    _move: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    _turns: Turns | None = field(default=None, repr=False)
    _reader: Reader = (0, "")

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
