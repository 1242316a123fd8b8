"""Post the outbox, retrying each message until it is settled."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import Attempts, backoff
from qabel.core.sending.outcome_keeper import OutcomeKeeper, OutcomeRepository
from qabel.core.sending.post_result import PostingKey, PostOutcome, PostResult
from qabel.core.sending.timers import Timers
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, ServerRefused
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.sends import Posting

AT_ONCE = 4
"""How many messages are posted to one server at the same time."""

FIRST_PAUSE = 2.0
"""Seconds before the second attempt, roughly; further pauses double."""

LONGEST_PAUSE = 900.0
"""Seconds between two attempts at most."""


class DropPoster(Protocol):
    """Posts to a drop server: ``qabel.net.drop_client.DropClient``."""

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Post a message to a drop. Raises DropServerError; a ServerRefused may be permanent."""


@define(eq=False)
class _Server:
    """One drop server, and what is waiting to be posted to it."""

    attempts: Attempts = field(factory=Attempts)
    ready: deque[Posting] = field(factory=deque)
    running: set[Deferred[None]] = field(factory=set)
    is_pausing: bool = False


@define(eq=False)
class Poster(Service):
    """Posts what is due, a few messages at a time to each server; no server delays another.

    Args:
        client: posts to drop servers.
        repository: stores the outcomes.
        on_seq: is called with the newest number in the journal after an outcome was stored.
        clock: measures all pauses.
        now: returns seconds since the epoch.

    """

    _client: DropPoster
    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _timers: Timers = field(init=False)
    _outcomes: OutcomeKeeper = field(init=False)
    _servers: dict[str, _Server] = field(factory=dict, init=False)
    _first: "dict[PostingKey, Deferred[PostResult]]" = field(factory=dict, init=False)
    _under_way: dict[int, int] = field(factory=dict, init=False)
    """The postings that are in hand, with the sends that they are of."""
    counts: dict[str, int] = field(init=False)
    """How many attempts ended in each way, since the start."""
    seconds: float = field(default=0.0, init=False)
    """The total duration of all attempts, in seconds."""

    name = "poster"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._timers = Timers(self._clock)
        self._outcomes = OutcomeKeeper(self._repository, self._on_seq, self._timers, self._now)
        self.counts = dict.fromkeys(map(str, PostOutcome), 0)

    def stopService(self) -> None:
        """Cancel what is in progress; the same bytes are posted again after the next start."""
        super().stopService()
        self._timers.cancel()
        for server in self._servers.values():
            server.ready.clear()
            for each in list(server.running):
                each.cancel()

    @property
    def unkept(self) -> int:
        """How many outcomes could not be stored yet."""
        return self._outcomes.unkept

    @property
    def under_way(self) -> frozenset[int]:
        """The ids of the postings that are being attempted or waiting for a retry."""
        return frozenset(self._under_way)

    def in_trouble(self, url: str) -> bool:
        """Return whether the last attempt at the server of a drop URL failed."""
        server = self._servers.get(DropURL.parse(url).server)
        return server is not None and server.attempts.failures > 0

    def failing(self) -> list[tuple[str, Attempts]]:
        """Return the servers whose last attempt failed, with their attempts."""
        return [
            (name, server.attempts)
            for name, server in self._servers.items()
            if server.attempts.failures
        ]

    def try_again(self) -> None:
        """Retry everything now, as the cause of failures may be gone."""
        for server in self._servers.values():
            server.attempts.not_before = 0.0
        self._timers.bring_forward()

    def first_attempt(self, key: PostingKey) -> "Deferred[PostResult]":
        """Return a Deferred that fires with the result of the next attempt at a posting.

        Cancel it to stop waiting; the attempt goes on.
        """
        waiting: Deferred[PostResult] = Deferred(lambda _: self._stop_waiting(key))
        self._first[key] = waiting
        return waiting

    def add(self, postings: Iterable[Posting]) -> None:
        """Post these as soon as their servers permit. Postings already in progress are ignored."""
        for posting in postings:
            if posting.id in self._under_way or not self.running:
                continue
            self._under_way[posting.id] = posting.send_id
            self._enqueue(posting)

    def forget(self, send_id: int) -> None:
        """Post no more of a send, unless it is on its way already."""
        for posting_id in [own for own, of in self._under_way.items() if of == send_id]:
            del self._under_way[posting_id]

    def _stop_waiting(self, key: PostingKey) -> None:
        self._first.pop(key, None)

    def _enqueue(self, posting: Posting) -> None:
        name = DropURL.parse(posting.url).server
        server = self._servers.setdefault(name, _Server())
        server.ready.append(posting)
        self._go_on(server)

    def _go_on(self, server: _Server) -> None:
        pause = server.attempts.not_before - self._clock.seconds()
        if pause > 0:
            if server.ready and not server.is_pausing:
                server.is_pausing = True
                self._timers.call_later(pause, self._pause_over, server)
            return
        # After a failure, a single message shows whether the server works again.
        at_once = 1 if server.attempts.failures else AT_ONCE
        while server.ready and len(server.running) < at_once:
            posting = server.ready.popleft()
            if posting.id in self._under_way:
                self._begin(server, posting)

    def _pause_over(self, server: _Server) -> None:
        server.is_pausing = False
        self._go_on(server)

    def _begin(self, server: _Server, posting: Posting) -> None:
        work = Deferred.fromCoroutine(self._post(server, posting))
        if work.called:
            work.addErrback(self._ended_badly)
            return
        server.running.add(work)
        work.addBoth(self._ended, server, work)

    def _ended(self, result: object, server: _Server, work: "Deferred[None]") -> None:
        if isinstance(result, Failure):
            self._ended_badly(result)
        server.running.discard(work)
        if self.running:
            self._go_on(server)

    def _ended_badly(self, failure: Failure) -> None:
        if not failure.check(CancelledError, StoreClosed):
            self._log.failure("Storing a delivery result failed unexpectedly", failure)

    async def _post(self, server: _Server, posting: Posting) -> None:
        started = self._clock.seconds()
        result = await self._attempt(server, posting)
        self.counts[result.outcome] += 1
        self.seconds += self._clock.seconds() - started
        first = self._first.pop((posting.send_id, posting.recipient, posting.url), None)
        pause = backoff(posting.attempts, base=FIRST_PAUSE, longest=LONGEST_PAUSE)
        # The waiting client need not wait for this commit: if it is lost, the same bytes are
        # posted again, and recognized as seen before.
        kept = Deferred.fromCoroutine(self._outcomes.keep(posting, result, pause))
        if first is not None:
            first.callback(result)
        due = await kept
        wanted = self._under_way.pop(posting.id, None) is not None
        self.add(due)
        if result.outcome is PostOutcome.FAILED and self.running and wanted:
            self._under_way[posting.id] = posting.send_id
            again = evolve(posting, attempts=posting.attempts + 1)
            self._timers.call_later(pause, self._enqueue, again)

    async def _attempt(self, server: _Server, posting: Posting) -> PostResult:
        try:
            await self._client.post(DropURL.parse(posting.url), posting.sealed)
        except DropServerError as error:
            self._blame(server, error)
            refused = isinstance(error, ServerRefused) and error.permanent
            outcome = PostOutcome.REFUSED if refused else PostOutcome.FAILED
            return PostResult(outcome, error.detail)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever the error is, the message must be retried
            self._log.failure("Posting a message failed unexpectedly")
            return PostResult(PostOutcome.FAILED, "Internal error; the daemon's log has details.")
        server.attempts.succeeded(self._clock.seconds())
        return PostResult(PostOutcome.TAKEN)

    def _blame(self, server: _Server, error: DropServerError) -> None:
        """Pause posting to the server, unless it only rejected this message."""
        now, asked = self._clock.seconds(), 0.0
        if isinstance(error, ServerRefused):
            if error.status != 429 and error.status < 500:
                server.attempts.succeeded(now)
                return
            asked = min(error.retry_after or 0.0, LONGEST_PAUSE)
        delay = backoff(server.attempts.failures, base=FIRST_PAUSE, longest=LONGEST_PAUSE)
        server.attempts.failed(now, error.detail, max(delay, asked))
