"""Poll the drop servers, each at its own pace."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import backoff
from qabel.core.receiving.server_rounds import ServerRounds
from qabel.deferreds import gather, when_done
from qabel.drop.url import DropURL

AT_ONCE = 4
"""How many drops of one server are read at the same time."""

GIVE_UP_AFTER = 3
"""Failures in a row that end a round: the server has a problem, not the drop."""


class ReadFailed(Exception):
    """A drop could not be read this time; the text contains no drop id."""

    def __init__(self, text: str, *, shows_no_drop_server: bool = False) -> None:
        super().__init__(text)
        self.shows_no_drop_server = shows_no_drop_server
        """Whether the response was one that no drop server gives."""


class NotStored(ReadFailed):
    """What was in a drop could not be stored; the text is the error of the database."""


ReadDrop: TypeAlias = Callable[[DropURL], Awaitable[None]]
"""Fetches and stores the new messages of a drop. Raises ReadFailed or NotStored."""


@define(eq=False)
class Poller(Service):
    """Reads every drop each ``interval`` seconds; a failing server is polled less and less often.

    The rounds of different servers do not wait for each other. A failure of any kind ends one round
    of one server, and is noted there; it never ends the loop.
    """

    _read: ReadDrop
    _clock: IReactorTime
    _interval: float = field(default=5.0, kw_only=True)
    _servers: dict[str, ServerRounds] = field(factory=dict, init=False)
    _last_tick: float = field(init=False)
    _loop: LoopingCall = field(init=False)

    name = "poller"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._last_tick = self._clock.seconds()
        self._loop = LoopingCall(self._tick)
        self._loop.clock = self._clock

    @property
    def servers(self) -> Mapping[str, ServerRounds]:
        """The servers that are polled, by URL."""
        return self._servers

    @property
    def interval(self) -> float:
        """The seconds between two rounds."""
        return self._interval

    @property
    def next_tick(self) -> float:
        """When servers are polled next, in seconds on the clock of the schedule."""
        return self._last_tick + self._interval

    def startService(self) -> None:
        """Start polling at once."""
        super().startService()
        self._start_loop()

    def stopService(self) -> Deferred[None]:
        """Stop, and cancel the rounds in progress; the Deferred fires when all have ended."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        for server in self._servers.values():
            self._cancel_retry(server)
        rounds = [each.running for each in self._servers.values() if each.running is not None]
        ended = [when_done(each) for each in rounds]
        for each in rounds:
            each.cancel()
        return gatherResults(ended).addCallback(lambda _: None)

    def set_interval(self, interval: float) -> None:
        """Set the seconds between two rounds, with a round at once if they change."""
        if interval == self._interval:
            return
        self._interval = interval
        if self._loop.running:
            self._loop.stop()
            self._start_loop()

    def set_drops(self, drops: Iterable[DropURL]) -> None:
        """Set which drops to read from now on; new ones are read at once."""
        by_server: dict[str, list[DropURL]] = {}
        for url in sorted(set(drops), key=str):
            by_server.setdefault(url.server, []).append(url)
        for server in self._servers.keys() - by_server.keys():
            # A round in progress ends as usual; none is started after it.
            gone = self._servers.pop(server)
            gone.drops = ()
            self._cancel_retry(gone)
        for server, urls in by_server.items():
            rounds = self._servers.setdefault(server, ServerRounds(server))
            new = set(urls) - set(rounds.drops)
            rounds.drops, rounds.first = tuple(urls), 0
            if new and self.running:
                self._request(rounds)

    def poll_now(self) -> Deferred[None]:
        """Read all drops now, regardless of the schedule.

        The Deferred fires when a round that began after this call has ended on each server.
        """
        return gatherResults([self._request(each) for each in self._servers.values()]).addCallback(
            lambda _: None
        )

    def is_waiting_for_store(self, url: DropURL) -> bool:
        """Return whether what a drop's server had last could not be stored.

        Reading it at each push would fetch the same messages again and again; a round does it.
        """
        rounds = self._servers.get(url.server)
        return rounds is not None and rounds.not_stored is not None

    def note_not_stored(self, url: DropURL, error: str) -> None:
        """Note that what a drop had could not be stored, and have it read again soon."""
        rounds = self._servers.get(url.server)
        if rounds is not None and rounds.not_stored is None:
            self._pause_for_store(rounds, error)

    def _start_loop(self) -> None:
        self._loop.start(self._interval, now=True).addErrback(
            lambda failure: self._log.failure("Polling stopped unexpectedly", failure)
        )

    def _tick(self) -> None:
        self._last_tick = now = self._clock.seconds()
        for rounds in list(self._servers.values()):
            if rounds.running is None and rounds.not_before <= now:
                self._begin(rounds)

    def _request(self, rounds: ServerRounds) -> Deferred[None]:
        """Request a round that begins after this call; requests made meanwhile share it."""
        if not self.running:
            return succeed(None)
        if rounds.running is None:
            self._begin(rounds)
            return succeed(None) if rounds.running is None else when_done(rounds.running)
        if rounds.waiting is None:
            rounds.waiting = Deferred()
        return when_done(rounds.waiting)

    def _begin(self, rounds: ServerRounds) -> None:
        running = Deferred.fromCoroutine(self._round(rounds))
        if not running.called:
            rounds.running = running
        running.addBoth(self._ended, rounds)

    def _ended(self, result: object, rounds: ServerRounds) -> None:
        if isinstance(result, Failure):
            self._ended_badly(result, rounds)
        rounds.running = None
        waiting, rounds.waiting = rounds.waiting, None
        if waiting is None:
            return
        if self.running and rounds.drops:
            self._begin(rounds)
        if rounds.running is None:
            waiting.callback(None)
        else:
            when_done(rounds.running).chainDeferred(waiting)

    def _ended_badly(self, failure: Failure, rounds: ServerRounds) -> None:
        if failure.check(CancelledError):
            return
        self._log.failure("Polling {server} failed unexpectedly", failure, server=rounds.server)
        self._failed(rounds, "Internal error; the daemon's log has details.")

    def _failed(self, rounds: ServerRounds, error: str) -> None:
        delay = backoff(rounds.attempts.failures, base=self._interval)
        rounds.failed_rounds += 1
        rounds.attempts.failed(self._clock.seconds(), error, delay)

    async def _round(self, rounds: ServerRounds) -> None:
        """Read each of a server's drops once, a few at a time."""
        turn, started = rounds.in_turn(), self._clock.seconds()
        outcome = _Outcome()
        await gather(self._read_some(turn, outcome) for _ in range(AT_ONCE))
        rounds.rounds += 1
        rounds.seconds += self._clock.seconds() - started
        if outcome.not_stored is not None:
            # The server is neither better nor worse than it was.
            self._pause_for_store(rounds, outcome.not_stored)
            return
        rounds.could_store()
        if outcome.error is None:
            rounds.attempts.succeeded(self._clock.seconds())
        else:
            self._failed(rounds, outcome.error)

    @staticmethod
    def _cancel_retry(rounds: ServerRounds) -> None:
        retry, rounds.retry = rounds.retry, None
        if retry is not None:
            retry.cancel()

    def _pause_for_store(self, rounds: ServerRounds, error: str) -> None:
        self._retry_after(rounds, rounds.pause_for_store(self._clock.seconds(), error))

    def _retry_after(self, rounds: ServerRounds, pause: float) -> None:
        def retry() -> None:
            rounds.retry = None
            if self.running and rounds.running is None and rounds.drops:
                self._begin(rounds)

        if self._interval > pause and self.running and rounds.retry is None:
            rounds.retry = self._clock.callLater(pause, retry)

    async def _read_some(self, turn: Iterator[DropURL], outcome: "_Outcome") -> None:
        for url in turn:
            try:
                await self._read(url)
            except NotStored as failed:
                outcome.not_stored = str(failed)
                return
            except ReadFailed as failed:
                outcome.failed(str(failed))
            else:
                outcome.in_a_row = 0
            if outcome.in_a_row >= GIVE_UP_AFTER or outcome.not_stored is not None:
                return


@define
class _Outcome:
    """The errors of a round: the newest, and how many there were in a row."""

    error: str | None = None
    not_stored: str | None = None
    """Why something could not be stored, which ends the round."""
    in_a_row: int = 0

    def failed(self, error: str) -> None:
        self.error = error
        self.in_a_row += 1
