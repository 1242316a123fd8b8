"""A page of the inbox, and moving the reader's cursor once it was handed over."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred

from qabel.core.inbox.turns import Turns


@frozen
class Page:
    """What there is to read: a JSON list of messages, or None if nothing is new."""

    body: bytes | None = field(repr=False)
    latest: str
    """The cursor of the last message in it, or the newest there is."""
    _move: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    _turns: Turns | None = field(default=None, repr=False)
    _reader: str = ""

    async def handed_over(self) -> None:
        """Move the consumer's cursor, once the reader has all of it."""
        if self._move is not None:
            await self._move()

    def on_its_way(self, finished: "Deferred[Any]") -> None:
        """Move the consumer's cursor when ``finished`` fires; until then nobody else gets it.

        If ``finished`` fails, the same messages are new to the next one who asks.
        """
        if self._move is not None and self._turns is not None:
            self._turns.take(self._reader, finished, self._move)
