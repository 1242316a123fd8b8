"""Consumers take turns: what is on its way to one connection is not given to another one too."""

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.core.journal.inbox import Answer, InboxReader, Query
from qabel.deferreds import when_done
from qabel.rest.http.request import ApiRequest

_log = Logger()


class Turns:
    """Answers under way, by consumer: until each is handed over, or its connection has failed."""

    def __init__(self) -> None:
        self._under_way: dict[str, Deferred[None]] = {}

    async def read(
        self, inbox: InboxReader, query: Query, *, wait: float, poll_first: bool
    ) -> Answer:
        """Read the inbox for a consumer once nothing is on its way to it."""
        reader = query.reader
        while True:
            before = self._under_way.get(reader)
            if before is not None:
                await when_done(before)
                continue
            answer = await inbox.read(query, wait=wait, poll_first=poll_first)
            # Another connection may have been given the same meanwhile.
            if answer.body is None or reader not in self._under_way:
                return answer

    def take(self, query: Query, answer: Answer, request: ApiRequest) -> None:
        """Have the consumer's place moved when all of the answer has been handed over."""
        done = self._under_way[query.reader] = Deferred()

        def move(_: None) -> "Deferred[None]":
            return Deferred.fromCoroutine(_move(answer))

        def end(result: object) -> object:
            del self._under_way[query.reader]
            done.callback(None)
            return result

        # A connection that fails before that moves nothing: its messages are given again.
        finished = request.notifyFinish().addCallbacks(move, lambda _: None)
        finished.addBoth(end)
        finished.addErrback(
            lambda failure: _log.failure("a consumer's place could not be moved", failure)
        )


async def _move(answer: Answer) -> None:
    await answer.handed_over()
