"""Messages on their way out: the outbox is posted, again and again until it is settled."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from attrs import define, evolve, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from qabel.core.backoff import Attempts, backoff
from qabel.core.errors import StoreError
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, ServerRefused
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting

AT_ONCE = 4
"""Messages posted to one server at the same time."""

FIRST_PAUSE = 2.0
"""Seconds before the second attempt, about; further pauses double."""

LONGEST_PAUSE = 900.0

STORE_PAUSE = 5.0
"""Seconds before an outcome that could not be kept is tried to be kept again."""


class Outcome(StrEnum):
    """What became of one attempt."""

    TAKEN = "taken"
    REFUSED = "refused"
    """For good: trying again would change nothing."""
    FAILED = "failed"
    """This time; it is tried again."""


@frozen
class Attempt:
    """The outcome of an attempt, and why it was that."""

    outcome: Outcome
    reason: str | None = None


PostingKey: TypeAlias = tuple[int, bytes, str]
"""What a posting is for: the id of its send, the recipient's key, and the drop URL."""


class DropPoster(Protocol):
    """Posts to a drop server: ``qabel.net.drop_client.DropClient``."""

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Leave a message in a drop. Raises DropServerError; ServerRefused is the kind for good."""


class OutcomeRepository(Protocol):
    """Where outcomes are kept: ``qabel.store.outbox.repository.Outbox``."""

    def posted(self, posting: Posting, *, now: float) -> Deferred[OutboxChange]:
        """Note that the server took it."""

    def refused(self, posting: Posting, reason: str, *, now: float) -> Deferred[OutboxChange]:
        """Note that the server never will."""

    def failed_attempt(self, posting: Posting, next_attempt: float, reason: str) -> Deferred[None]:
        """Note that it is to be tried again."""


@define(eq=False)
class _Server:
    """One drop server, and what is to be posted there."""

    attempts: Attempts = field(factory=Attempts)
    ready: deque[Posting] = field(factory=deque)
    running: set[Deferred[None]] = field(factory=set)
    timer: IDelayedCall | None = None


@define(eq=False)
class Poster(Service):
    """Posts what is due, a few at a time to each server; a server in trouble delays no other."""

    _client: DropPoster
    _repository: OutcomeRepository
    _on_seq: Callable[[int], None]
    """Told the newest number in the journal after an outcome was kept."""
    _clock: IReactorTime = field(kw_only=True)
    _now: Callable[[], float] = field(kw_only=True)
    _servers: dict[str, _Server] = field(factory=dict, init=False)
    _timers: set[IDelayedCall] = field(factory=set, init=False)
    _first: "dict[PostingKey, Deferred[Attempt]]" = field(factory=dict, init=False)
    _under_way: set[int] = field(factory=set, init=False)
    outcomes: dict[str, int] = field(init=False)
    """How many attempts ended how, since the start."""
    seconds: float = field(default=0.0, init=False)
    """How long all of them took together."""
    unkept: int = field(default=0, init=False)
    """Outcomes that wait for disk space."""

    name = "poster"
    _log = Logger()

    @outcomes.default
    def _no_outcomes(self) -> dict[str, int]:
        return dict.fromkeys(map(str, Outcome), 0)

    def stopService(self) -> "Deferred[None] | None":
        """Break off what is under way; it is posted again, byte for byte, after the next start."""
        super().stopService()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for server in self._servers.values():
            server.ready.clear()
            for each in list(server.running):
                each.cancel()
        return None

    @property
    def under_way(self) -> frozenset[int]:
        """The ids of the postings that are in hand."""
        return frozenset(self._under_way)

    def in_trouble(self, url: str) -> bool:
        """Tell whether the last attempt at that drop's server failed."""
        server = self._servers.get(DropURL.parse(url).server)
        return server is not None and server.attempts.failures > 0

    def failing(self) -> list[tuple[str, Attempts]]:
        """Give the servers whose last attempt failed, each with what became of it."""
        return [
            (name, server.attempts)
            for name, server in self._servers.items()
            if server.attempts.failures
        ]

    def try_again(self) -> None:
        """Try all that waits for its time now: what kept it from being sent may be gone."""
        for server in self._servers.values():
            server.attempts.not_before = 0.0
        for timer in self._timers:
            timer.reset(0)

    def first_attempt(self, key: PostingKey) -> "Deferred[Attempt]":
        """Give a Deferred of the next attempt at a posting; cancel it to wait no longer."""
        waiting: Deferred[Attempt] = Deferred(lambda _: self._give_up(key))
        self._first[key] = waiting
        return waiting

    def _give_up(self, key: PostingKey) -> None:
        self._first.pop(key, None)

    def add(self, postings: Iterable[Posting]) -> None:
        """Post these as soon as their servers can take them."""
        for posting in postings:
            if posting.id in self._under_way or not self.running:
                continue
            self._under_way.add(posting.id)
            self._enqueue(posting)

    def _enqueue(self, posting: Posting) -> None:
        name = DropURL.parse(posting.url).server
        server = self._servers.setdefault(name, _Server())
        server.ready.append(posting)
        self._go_on(server)

    def _go_on(self, server: _Server) -> None:
        pause = server.attempts.not_before - self._clock.seconds()
        if pause > 0:
            if server.ready and server.timer is None:
                server.timer = self._later(pause, self._pause_over, server)
            return
        # After a failure one message shows whether the server is back.
        at_once = 1 if server.attempts.failures else AT_ONCE
        while server.ready and len(server.running) < at_once:
            self._begin(server, server.ready.popleft())

    def _pause_over(self, server: _Server) -> None:
        server.timer = None
        self._go_on(server)

    def _begin(self, server: _Server, posting: Posting) -> None:
        work = Deferred.fromCoroutine(self._post(server, posting))
        if work.called:
            work.addErrback(self._ended_badly)
            return
        server.running.add(work)
        work.addErrback(self._ended_badly)
        work.addBoth(lambda _: self._ended(server, work))

    def _ended(self, server: _Server, work: "Deferred[None]") -> None:
        server.running.discard(work)
        if self.running:
            self._go_on(server)

    def _ended_badly(self, failure: Any) -> None:
        if not failure.check(CancelledError, StoreClosed):
            self._log.failure("keeping what became of a message failed", failure)

    async def _post(self, server: _Server, posting: Posting) -> None:
        started = self._clock.seconds()
        attempt = await self._attempt(server, posting)
        self.outcomes[attempt.outcome] += 1
        self.seconds += self._clock.seconds() - started
        first = self._first.pop((posting.send_id, posting.recipient, posting.url), None)
        pause = self._pause(posting)
        # The answer to who waits need not wait for this commit: were it lost, the same bytes
        # would be posted again, and known again.
        kept = Deferred.fromCoroutine(self._keep(posting, attempt, pause))
        if first is not None:
            first.callback(attempt)
        due = await kept
        self._under_way.discard(posting.id)
        self.add(due)
        if attempt.outcome is Outcome.FAILED and self.running:
            self._under_way.add(posting.id)
            self._later(pause, self._enqueue, _once_more(posting))

    async def _attempt(self, server: _Server, posting: Posting) -> Attempt:
        try:
            await self._client.post(DropURL.parse(posting.url), posting.sealed)
        except DropServerError as error:
            self._blame(server, error)
            refused = isinstance(error, ServerRefused) and error.permanent
            return Attempt(Outcome.REFUSED if refused else Outcome.FAILED, error.detail)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the message must not be forgotten
            self._log.failure("posting a message failed in an unexpected way")
            return Attempt(Outcome.FAILED, "An error of the daemon's own; its log says more.")
        server.attempts.succeeded(self._clock.seconds())
        return Attempt(Outcome.TAKEN)

    def _blame(self, server: _Server, error: DropServerError) -> None:
        """Leave the server alone for a while, unless it only did not like this message."""
        now, asked = self._clock.seconds(), 0.0
        if isinstance(error, ServerRefused):
            if error.status != 429 and error.status < 500:
                server.attempts.succeeded(now)
                return
            asked = min(error.retry_after or 0.0, LONGEST_PAUSE)
        delay = backoff(server.attempts.failures, base=FIRST_PAUSE, longest=LONGEST_PAUSE)
        server.attempts.failed(now, error.detail, max(delay, asked))

    def _pause(self, posting: Posting) -> float:
        return backoff(posting.attempts, base=FIRST_PAUSE, longest=LONGEST_PAUSE)

    async def _keep(self, posting: Posting, attempt: Attempt, pause: float) -> list[Posting]:
        """Keep an outcome, however long the disk is full; gives what became due by it."""
        while True:
            try:
                return await self._keep_once(posting, attempt, pause)
            except StoreClosed:
                raise
            except StoreError as error:
                self._log.warn("An outcome could not be kept yet: {error}", error=str(error))
            self.unkept += 1
            try:
                await self._pause_of(STORE_PAUSE)
            finally:
                self.unkept -= 1

    async def _keep_once(self, posting: Posting, attempt: Attempt, pause: float) -> list[Posting]:
        now, reason = self._now(), attempt.reason or ""
        if attempt.outcome is Outcome.FAILED:
            await self._repository.failed_attempt(posting, now + pause, reason)
            return []
        if attempt.outcome is Outcome.TAKEN:
            settled = await self._repository.posted(posting, now=now)
        else:
            settled = await self._repository.refused(posting, reason, now=now)
        self._on_seq(settled.last_seq)
        return list(settled.ready)

    def _pause_of(self, seconds: float) -> "Deferred[None]":
        over: Deferred[None] = Deferred()
        self._later(seconds, over.callback, None)
        return over

    def _later(self, seconds: float, call: Callable[..., object], *args: object) -> IDelayedCall:
        def now() -> None:
            self._timers.discard(timer)
            call(*args)

        timer = self._clock.callLater(seconds, now)
        self._timers.add(timer)
        return timer


def _once_more(posting: Posting) -> Posting:
    return evolve(posting, attempts=posting.attempts + 1)
