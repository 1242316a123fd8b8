"""Consumers take turns: what is on its way to one connection is not given to another one too."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.deferreds import when_done


class Answer(Protocol):
    """What a reader is answered: ``body`` is None if nothing is new to it."""

    @property
    def body(self) -> bytes | None:
        """What is new."""


A = TypeVar("A", bound=Answer)


@define(eq=False)
class Turns:
    """Answers on their way, by reader: until each is handed over, or its connection has failed."""

    _on_their_way: dict[str, Deferred[None]] = field(factory=dict, init=False)

    _log = Logger()

    async def in_turn(self, reader: str, read: Callable[[], Awaitable[A]]) -> A:
        """Read for a reader once nothing is on its way to it."""
        while True:
            before = self._on_their_way.get(reader)
            if before is not None:
                await when_done(before)
                continue
            answer = await read()
            # Another connection may have been given the same meanwhile.
            if answer.body is None or reader not in self._on_their_way:
                return answer

    def take(
        self, reader: str, finished: "Deferred[Any]", move: Callable[[], Awaitable[None]]
    ) -> None:
        """Have ``move`` called when an answer to a reader was handed over.

        Args:
            reader: who reads.
            finished: fires when all of the answer was handed over; fails if the connection does,
                and then nothing is moved: the same is given again.
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
            lambda failure: self._log.failure("a consumer's cursor could not be moved", failure)
        )
