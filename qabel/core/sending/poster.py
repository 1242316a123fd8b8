"""Post the outbox, retrying each message until it is settled."""

from collections.abc import Callable, Collection, Iterable

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.backoff import Attempts
from qabel.core.sending.delivery_attempts import DeliveryAttempts, DropPoster, pause_after
from qabel.core.sending.outcome_keeper import OutcomeKeeper, OutcomeRepository
from qabel.core.sending.post_result import PostingKey, PostOutcome, PostResult
from qabel.core.sending.server_queue import ServerQueue
from qabel.core.sending.timers import Timers
from qabel.drop.url import DropURL
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.sends import Posting


@define(eq=False)
class Poster(Service):
    """Posts what is due, a few messages at a time to each server; no server delays another.

    Args:
        client: posts to drop servers.
        repository: stores the outcomes.
        on_seq: is called with the newest number in the journal after an outcome was stored.
        clock: measures all pauses.
        now: returns seconds since the epoch.
        no_drop_server: returns how reading from a server's URL showed that it is no drop server, or
            None; until it is read again, nothing counts as taken there.

    """

    _client: DropPoster
    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _no_drop_server: Callable[[str], str | None] = field(default=lambda _: None, kw_only=True)
    _attempts: DeliveryAttempts = field(init=False)
    _timers: Timers = field(init=False)
    _outcomes: OutcomeKeeper = field(init=False)
    _servers: dict[str, ServerQueue] = field(factory=dict, init=False)
    _first: "dict[PostingKey, Deferred[PostResult]]" = field(factory=dict, init=False)
    _under_way: dict[int, int] = field(factory=dict, init=False)
    """The postings that are in hand, with the sends that they are of."""
    _under_attempt: set[int] = field(factory=set, init=False)
    counts: dict[str, int] = field(init=False)
    """How many attempts ended in each way, since the start."""
    seconds: float = field(default=0.0, init=False)
    """The total duration of all attempts, in seconds."""

    name = "poster"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._attempts = DeliveryAttempts(
            self._client, self._clock, self._no_drop_server, self._wake
        )
        self._timers = Timers(self._clock)
        self._outcomes = OutcomeKeeper(self._repository, self._on_seq, self._timers, self._now)
        self.counts = dict.fromkeys(map(str, PostOutcome), 0)

    def stopService(self) -> None:
        """Cancel what is in progress; the same bytes are posted again after the next start."""
        super().stopService()
        self._timers.cancel()
        for server in self._servers.values():
            server.clear()
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

    def queue(self, server: str) -> ServerQueue | None:
        """Return what waits for the server at a URL; None if nothing was posted there yet."""
        return self._servers.get(server)

    def is_attempting(self, posting_id: int) -> bool:
        """Return whether a posting is being posted at present."""
        return posting_id in self._under_attempt

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
            server.asked_until = 0.0
            self._wake(server)
        self._timers.bring_forward()

    def server_works(self, server: str, *, had_failed: bool) -> None:
        """Retry what waits for a server, as something was read from it.

        Args:
            server: its URL.
            had_failed: whether reading had failed before.

        """
        queue = self._servers.get(server)
        if queue is not None and queue.is_proved(self._clock.seconds(), had_failed=had_failed):
            self._wake(queue)

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
        self.forget_postings([own for own, of in self._under_way.items() if of == send_id])

    def forget_postings(self, posting_ids: Collection[int]) -> None:
        """Post these no more, unless they are on their way already."""
        for each in posting_ids:
            self._under_way.pop(each, None)
        for server in self._servers.values():
            server.forget(posting_ids)

    def _stop_waiting(self, key: PostingKey) -> None:
        self._first.pop(key, None)

    def _enqueue(self, posting: Posting) -> None:
        server = self._queue_of(posting)
        server.ready.append(posting)
        self._go_on(server)

    def _queue_of(self, posting: Posting) -> ServerQueue:
        name = DropURL.parse(posting.url).server
        found = self._servers.get(name)
        if found is None:
            found = self._servers[name] = ServerQueue(name, self._timers, self._go_on)
        return found

    def _wake(self, server: ServerQueue) -> None:
        server.gather(self._clock.seconds())
        self._go_on(server)

    def _go_on(self, server: ServerQueue) -> None:
        while server.ready and len(server.running) < server.at_once:
            pause = server.attempts.not_before - self._clock.seconds()
            if pause > 0:
                if server.pause is None:
                    server.pause = self._timers.call_later(pause, self._pause_over, server)
                return
            posting = server.ready.popleft()
            if posting.id in self._under_way:
                self._begin(server, posting)

    def _pause_over(self, server: ServerQueue) -> None:
        server.pause = None
        self._go_on(server)

    def _begin(self, server: ServerQueue, posting: Posting) -> None:
        work = Deferred.fromCoroutine(self._post(server, posting))
        if work.called:
            work.addErrback(self._ended_badly)
            return
        server.running.add(work)
        work.addBoth(self._ended, server, work)

    def _ended(self, result: object, server: ServerQueue, work: "Deferred[None]") -> None:
        if isinstance(result, Failure):
            self._ended_badly(result)
        server.running.discard(work)
        if self.running:
            self._go_on(server)

    def _ended_badly(self, failure: Failure) -> None:
        if not failure.check(CancelledError, StoreClosed):
            self._log.failure("Storing a delivery result failed unexpectedly", failure)

    async def _post(self, server: ServerQueue, posting: Posting) -> None:
        started = self._clock.seconds()
        self._under_attempt.add(posting.id)
        try:
            result = await self._attempts.make(server, posting)
        finally:
            self._under_attempt.discard(posting.id)
        self.counts[result.outcome] += 1
        self.seconds += self._clock.seconds() - started
        first = self._first.pop((posting.send_id, posting.recipient, posting.url), None)
        pause = pause_after(posting.attempts)
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
            # What began before the server was seen to work says nothing about it.
            is_outdated = started < server.proved
            again = evolve(posting, attempts=posting.attempts + 1)
            server.put_off(again, 0.0 if is_outdated else pause)
