"""Turns of a consumer's connections, so that no message is delivered to two of them."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.deferreds import when_done
from qabel.store.journal.cursors import Reader


class ReadResult(Protocol):
    """The result of a read, such as ``Page``: ``body`` is None if there is nothing new."""

    @property
    def body(self) -> bytes | None:
        """The new messages."""


R = TypeVar("R", bound=ReadResult)


@define(eq=False)
class Turns:
    """The readers whose last page is still being delivered."""

    _on_their_way: dict[Reader, Deferred[None]] = field(factory=dict, init=False)

    _log = Logger()

    async def in_turn(self, reader: Reader, read: Callable[[], Awaitable[R]]) -> R:
        """Call ``read`` once no page is being delivered to the reader, and return its result."""
        while True:
            before = self._on_their_way.get(reader)
            if before is not None:
                await when_done(before)
                continue
            page = await read()
            # Another connection may have got the same messages meanwhile.
            if page.body is None or reader not in self._on_their_way:
                return page

    def take(
        self, reader: Reader, finished: "Deferred[Any]", move: Callable[[], Awaitable[None]]
    ) -> None:
        """Call ``move`` when a page was delivered to a reader.

        Args:
            reader: the reader.
            finished: fires when the whole page was delivered. If it fails, nothing is moved, and
                the next read returns the same messages.
            move: moves the reader's cursor.

        """
        done = self._on_their_way[reader] = Deferred()

        async def finish() -> None:
            await move()

        def end(result: object) -> object:
            del self._on_their_way[reader]
            done.callback(None)
            return result

        finished.addCallbacks(lambda _: Deferred.fromCoroutine(finish()), lambda _: None)
        finished.addBoth(end)
        finished.addErrback(
            lambda failure: self._log.failure(
                "Moving the cursor of a reader failed unexpectedly", failure
            )
        )
