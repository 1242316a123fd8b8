"""Send acknowledgements, each when its time has come: nothing but time has one sent."""

from collections.abc import Awaitable
from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.acknowledgement_times import AcknowledgementTimes
from qabel.core.backoff import backoff
from qabel.core.errors import StoreError, Unavailable
from qabel.core.sending.acknowledgement_attempt import AcknowledgementAttempts, Attempted
from qabel.core.sending.post_result import PostOutcome
from qabel.core.sending.time_stamps import TimeStamps
from qabel.crypto import PublicKey
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository
from qabel.store.outbox.acknowledgement_turns import LONGEST_PAUSE, DueAcknowledgement

AT_ONCE = 200
"""How many acknowledgements are on their way at the same time, whoever they are for."""

FIRST_PAUSE = 2.0
"""Seconds until a contact that could not be reached is tried again, roughly; they double."""

STORE_PAUSE = 10.0
"""Seconds until the database is asked again after it failed."""

LATE = 60.0
"""Seconds: when a timer is so late, the process stood still or the clock jumped."""

KEEP_WAITING = 90 * 24 * 3600.0
"""Seconds after which an acknowledgement that could not be sent is given up."""


@define(eq=False, kw_only=True)
class Acknowledgements(Service):
    """Sends acknowledgements after their delays.

    It has nothing in common with the queues of messages: no server that works again, no disk space
    and no contact that moves has anything sent earlier. After a start, and whenever nothing could
    be sent for a while, the times of all that wait are moved by a draw each.
    """

    _repository: AcknowledgementRepository
    _attempts: AcknowledgementAttempts
    _times: AcknowledgementTimes
    _stamps: TimeStamps
    _clock: IReactorTime
    counts: dict[str, int] = field(init=False)
    """How many attempts ended in each way, since the start."""
    seconds: float = field(default=0.0, init=False)
    """The total duration of all attempts, in seconds."""
    _under_way: "dict[int, tuple[DueAcknowledgement, Deferred[None]]]" = field(
        factory=dict, init=False
    )
    _timer: IDelayedCall | None = field(default=None, init=False)
    _is_looking: bool = field(default=False, init=False)
    _look_again: bool = field(default=False, init=False)
    _people_changed: bool = field(default=True, init=False)
    """Whether what waits for others than those allowed is to be deleted first."""
    _stood_still: bool = field(default=True, init=False)
    """Whether the times of all that wait are to be moved first."""

    name = "acknowledgements"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self.counts = dict.fromkeys(map(str, PostOutcome), 0)

    def startService(self) -> None:
        """Start; what waits is sent later."""
        super().startService()
        self._people_changed = self._stood_still = True
        self._look()

    def stopService(self) -> None:
        """Stop; what was not taken by a drop server is sent again after the next start."""
        super().stopService()
        self._cancel_timer()
        for _, work in list(self._under_way.values()):
            work.cancel()

    def added(self, due: int) -> None:
        """Note that acknowledgements were added, the first of which may be sent at a time."""
        if self.running and not self._is_looking:
            if self._timer is None or self._times.until(due) < self._left(self._timer):
                self._wait_until(due)
        else:
            self._look_again = True

    def people_changed(self) -> None:
        """Send nothing to those any more who were deleted or blocked, or if nothing is wanted."""
        allowed = self._attempts.allowed()
        for due, work in list(self._under_way.values()):
            if allowed is None or (due.identity, due.contact) not in allowed:
                work.cancel()
        self._people_changed = True
        self._look()

    async def expire(self) -> None:
        """Give up what could not be sent for long. Raises StoreError."""
        now = self._times.now()
        await self._repository.expire(now - round(KEEP_WAITING * 1000), now)

    def _look(self) -> None:
        if not self.running:
            return
        if self._is_looking:
            self._look_again = True
            return
        self._cancel_timer()
        self._is_looking = True
        Deferred.fromCoroutine(self._look_until_done()).addErrback(self._failed_unexpectedly)

    async def _look_until_done(self) -> None:
        following = None
        self._look_again = True
        try:
            while self._look_again and self.running:
                self._look_again = False
                following = await self._begin_due()
        except StoreClosed:
            return
        except StoreError as error:
            self._log.warn("Cannot send acknowledgements at present: {error}", error=str(error))
            self._stood_still, following = True, None
            self._call_later(STORE_PAUSE)
        finally:
            self._is_looking = False
        if following is not None and self.running:
            self._wait_until(following)

    async def _begin_due(self) -> int | None:
        """Begin to send what is due, and return when to look again."""
        if self._people_changed:
            self._people_changed = False
            try:
                await self._repository.keep_only(self._attempts.allowed())
            except BaseException:
                self._people_changed = True
                raise
        if self._stood_still:
            plan = self._times.plan()
            await self._repository.redraw(plan.since, plan.delay)
            self._stood_still = False
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return None  # The end of each has another look.
        under_way = {own_id: due.pair_id for own_id, (due, _) in self._under_way.items()}
        turn = await self._repository.begin(
            self._times.now(), room, lambda key: self._stamps.make(PublicKey(key)), under_way
        )
        for each in turn.due:
            self._send(each)
        if len(turn.due) >= room:
            return None
        return turn.next

    def _send(self, due: DueAcknowledgement) -> None:
        if not self.running:
            return
        work = Deferred.fromCoroutine(self._attempt(due))
        if not work.called:
            self._under_way[due.id] = due, work
        work.addBoth(self._ended, due.id)

    def _ended(self, result: object, own_id: int) -> None:
        self._under_way.pop(own_id, None)
        expected = (CancelledError, StoreClosed, Unavailable)
        if isinstance(result, Failure) and not result.check(*expected):
            self._log.failure("Sending an acknowledgement failed unexpectedly", result)
        self._look()

    async def _attempt(self, due: DueAcknowledgement) -> None:
        started = self._clock.seconds()
        attempted = await self._attempts.make(due)
        if attempted.outcome is not None:
            self.counts[attempted.outcome] += 1
            self.seconds += self._clock.seconds() - started
        while True:
            try:
                await self._keep(due, attempted)
            except StoreClosed:
                raise
            except StoreError as error:
                self._log.warn(
                    "Cannot store yet what became of an acknowledgement: {error}", error=str(error)
                )
            else:
                return
            await self._pause(STORE_PAUSE)

    def _keep(self, due: DueAcknowledgement, attempted: Attempted) -> Awaitable[None]:
        plan = self._times.plan()
        match attempted.outcome:
            case None:
                return self._repository.dropped(due)
            case PostOutcome.TAKEN:
                return self._repository.sent(due)
            case PostOutcome.REFUSED:
                draw = None if attempted.is_last else plan.delay
                return self._repository.refused(due, plan.since, draw)
            case _:
                longest = LONGEST_PAUSE / 1000
                pause = backoff(due.failures, base=FIRST_PAUSE, longest=longest)
                pause = max(pause, min(attempted.asked, longest))
                return self._repository.failed(due, plan.since, round(pause * 1000), plan.delay)

    def _pause(self, seconds: float) -> "Deferred[None]":
        timer: list[IDelayedCall] = []
        over: Deferred[None] = Deferred(lambda _: timer[0].cancel())
        timer.append(self._clock.callLater(seconds, over.callback, None))
        return over

    def _wait_until(self, time: int) -> None:
        seconds = self._times.until(time)
        if seconds > 0:
            self._call_later(seconds)
        else:
            self._look()

    def _call_later(self, seconds: float) -> None:
        self._cancel_timer()
        if self.running:
            expected = self._clock.seconds() + seconds
            self._timer = self._clock.callLater(seconds, partial(self._time_has_come, expected))

    def _time_has_come(self, expected: float) -> None:
        self._timer = None
        if self._clock.seconds() - expected > LATE:
            self._stood_still = True
        self._look()

    def _left(self, timer: IDelayedCall) -> float:
        return timer.getTime() - self._clock.seconds()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _failed_unexpectedly(self, failure: Failure) -> None:
        self._log.failure("Looking for acknowledgements to send failed unexpectedly", failure)
        self._call_later(STORE_PAUSE)
