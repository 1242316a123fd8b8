"""Post the outbox, retrying each message until it is settled."""

from collections.abc import Awaitable, Callable, Collection, Iterable

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from qabel.core.backoff import Attempts
from qabel.core.random_delays import Draw, draw_securely
from qabel.core.sending.delivery_attempts import DeliveryAttempts, DropPoster, box_at_hand
from qabel.core.sending.outcome_keeper import OutcomeKeeper, OutcomeRepository
from qabel.core.sending.post_result import PostingKey, PostOutcome, PostResult
from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.send_schedule import SendSchedule
from qabel.core.sending.timers import Timers
from qabel.store.outbox.sends import Posting, PostingQueue


@define(eq=False)
class Poster(Service):
    """Posts what is due. No queue of postings delays another, or shows how another fares.

    Args:
        client: posts to drop servers.
        repository: stores the outcomes.
        on_seq: is called with the newest number in the journal after an outcome was stored.
        clock: measures all pauses.
        now: returns seconds since the epoch.
        no_drop_server: returns how the readings of an identity, by its public key, showed that
            there is no drop server at a URL, or None; until it is read again, nothing that the
            identity sends counts as taken there.
        box: returns the box of a posting, as ``Sealer.box``.
        draw: returns random numbers in [0, 1).

    """

    _client: DropPoster
    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _no_drop_server: Callable[[bytes, str], str | None] = field(
        default=lambda owner, server: None, kw_only=True
    )
    _box: Callable[[Posting], Awaitable[bytes]] = field(default=box_at_hand, kw_only=True)
    _draw: Draw = field(default=draw_securely, kw_only=True)
    _attempts: DeliveryAttempts = field(init=False)
    _timers: Timers = field(init=False)
    _outcomes: OutcomeKeeper = field(init=False)
    _schedule: SendSchedule = field(init=False)
    _first: "dict[PostingKey, Deferred[PostResult]]" = field(factory=dict, init=False)
    _under_way: dict[int, Posting] = field(factory=dict, init=False)
    """The postings that are in hand, by their ids."""
    _under_attempt: set[int] = field(factory=set, init=False)
    counts: dict[str, int] = field(init=False)
    """How many attempts ended in each way, since the start."""
    seconds: float = field(default=0.0, init=False)
    """The total duration of all attempts, in seconds."""

    name = "poster"

    def __attrs_post_init__(self) -> None:
        self._timers = Timers(self._clock)
        self._schedule = SendSchedule(self._clock, self._timers, self._post, self._draw)
        self._attempts = DeliveryAttempts(
            self._client,
            self._clock,
            self._no_drop_server,
            self._schedule.works,
            self._draw,
            self._box,
        )
        self._outcomes = OutcomeKeeper(
            self._repository, self._on_seq, self._timers, self._now, self._draw
        )
        self.counts = dict.fromkeys(map(str, PostOutcome), 0)

    def stopService(self) -> None:
        """Cancel what is in progress; the same bytes are posted again after the next start."""
        super().stopService()
        self._timers.cancel()
        self._schedule.stop()

    @property
    def unkept(self) -> int:
        """How many outcomes could not be stored yet."""
        return self._outcomes.unkept

    @property
    def under_way(self) -> frozenset[int]:
        """The ids of the postings that are being attempted or waiting for a retry."""
        return frozenset(self._under_way)

    def queue(self, key: PostingQueue) -> SendQueue | None:
        """Return a queue; None if nothing waits in it."""
        return self._schedule.queues.get(key)

    def is_attempting(self, posting_id: int) -> bool:
        """Return whether a posting is being posted at present."""
        return posting_id in self._under_attempt

    def in_trouble(self, key: PostingQueue) -> bool:
        """Return whether the last attempt of a queue failed."""
        queue = self.queue(key)
        return queue is not None and queue.attempts.failures > 0

    def failing(self) -> list[tuple[str, Attempts]]:
        """Return the servers to which something waits whose last attempt failed.

        Each with the attempts of the queue that failed most often, and the last error.
        """
        return self._schedule.queues.failing()

    def try_again(self, servers: Collection[str] | None = None) -> None:
        """Retry what failed, as the cause may be gone: each queue soon, at a time of its own.

        Args:
            servers: the URLs of the servers concerned; None for all.

        """
        self._schedule.try_again(servers)

    def server_works(self, owner: bytes, server: str, *, had_failed: bool) -> None:
        """Retry what waits for a server, as something was read from it.

        Reading is another purpose than posting, also for the same identity: each queue comes after
        a delay of its own.

        Args:
            owner: whose drop was read, as ``Isolation.owner_of``.
            server: the URL of the server.
            had_failed: whether reading had failed before.

        """
        self._schedule.learn(server, had_failed=had_failed)

    def first_attempt(self, key: PostingKey) -> "Deferred[PostResult]":
        """Return a Deferred that fires with the result of the next attempt at a posting.

        Cancel it to stop waiting; the attempt goes on.
        """
        waiting: Deferred[PostResult] = Deferred(lambda _: self._stop_waiting(key))
        self._first[key] = waiting
        return waiting

    def add(self, postings: Iterable[Posting], *, spread: float = 0.0) -> None:
        """Post these as soon as their queues permit. Of postings in progress, none starts again.

        Args:
            postings: what to post.
            spread: seconds after which each queue starts on average, at a time that is drawn for
                it; 0 for at once, also if it was added to start later.

        """
        for posting in postings:
            if not self.running:
                return
            if posting.id not in self._under_way:
                self._under_way[posting.id] = posting
                self._schedule.add(posting, spread)
            elif not spread:
                self.release(posting.queue)

    def release(self, key: PostingQueue) -> None:
        """Start a queue now that was added to start later."""
        self._schedule.release(key)

    def forget(self, send_ids: Collection[int], last_seq: int) -> None:
        """Post no more of sends that were deleted, unless it is on its way already.

        ``last_seq`` is the newest number in the journal, which says what was deleted.
        """
        gone = frozenset(send_ids)
        self.forget_postings([each.id for each in self._under_way.values() if each.send_id in gone])
        self._on_seq(last_seq)

    def forget_postings(self, posting_ids: Collection[int]) -> None:
        """Post these no more, unless they are on their way already."""
        for each in posting_ids:
            posting = self._under_way.pop(each, None)
            if posting is not None:
                self._schedule.remove(posting)

    def _stop_waiting(self, key: PostingKey) -> None:
        self._first.pop(key, None)

    async def _post(self, queue: SendQueue, posting: Posting) -> None:
        started = self._clock.seconds()
        self._under_attempt.add(posting.id)
        try:
            result = await self._attempts.make(queue, posting)
        finally:
            self._under_attempt.discard(posting.id)
        self.counts[result.outcome] += 1
        self.seconds += self._clock.seconds() - started
        if result.outcome is PostOutcome.FAILED:
            self._schedule.failed(queue, started)
        first = self._first.pop((posting.send_id, posting.recipient, posting.url), None)
        pause = max(0.0, queue.attempts.not_before - self._clock.seconds())
        # The waiting client need not wait for this commit: if it is lost, the same bytes are
        # posted again, and recognized as seen before. If no other client waits either, it shares
        # the commit of the next message, which often follows at once.
        may_wait = first is not None and not self._first
        kept = Deferred.fromCoroutine(
            self._outcomes.keep(posting, result, pause, may_wait=may_wait)
        )
        if first is not None:
            first.callback(result)
        due = await kept
        wanted = self._under_way.pop(posting.id, None) is not None
        self.add(due)
        if result.outcome is PostOutcome.FAILED and self.running and wanted:
            again = evolve(posting, attempts=posting.attempts + 1)
            self._under_way[posting.id] = again
            queue.postings.appendleft(again)
