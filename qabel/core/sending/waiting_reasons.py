"""Why a message waits: what the outbox says of every delivery that is queued."""

import time
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from qabel.core.sending.poster import Poster
from qabel.core.sending.send_queue import SendQueue
from qabel.drop.url import DropURL
from qabel.store.outbox.records import DeliveryRecord
from qabel.store.outbox.sends import DeliveryState
from qabel.store.outbox.waiting import MOST_COUNTED, WaitingPosting

TO_BE_SENT = "Waiting to be sent."
"""The reason of what is queued if nothing more is known."""

SPREAD = "Waiting for a time drawn at random, so that not all messages are sent at the same moment."
"""The reason of what is queued and was loaded together with others."""


@frozen
class WaitingReasons:
    """Explains deliveries by what is stored of them, and by what the poster is doing.

    The texts name servers, but no drops.
    """

    _poster: Poster
    _clock: IReactorTime
    _now: Callable[[], float]

    def of(self, delivery: DeliveryRecord) -> str | None:
        """Return why a delivery failed or waits; None if it neither failed nor waits."""
        if delivery.reason or delivery.state != DeliveryState.QUEUED:
            return delivery.reason
        if not delivery.waiting:
            return TO_BE_SENT
        return self._of_posting(delivery.waiting[0])

    def _of_posting(self, posting: WaitingPosting) -> str:
        queue = self._poster.queue(posting.queue)
        if posting.ahead:
            return " ".join(filter(None, (_turn(posting.ahead), self._trouble(queue))))
        if self._poster.is_attempting(posting.id):
            server = DropURL.parse(posting.url).server
            return f"Being sent to {server}, which has not responded yet."
        trouble = self._trouble(queue)
        if trouble is None and queue is not None and queue.held_until > self._clock.seconds():
            return SPREAD
        return trouble or "Waiting for its turn: other messages are being sent."

    def _trouble(self, queue: SendQueue | None) -> str | None:
        """Return why nothing of a queue can be sent at present, or None."""
        if queue is None or not queue.attempts.failures:
            return None
        pause = queue.due - self._clock.seconds()
        failed = f"{queue.server} failed: {queue.attempts.last_error}"
        if pause <= 0:
            return f"The last attempt to send to {failed}"
        until = time.strftime("%H:%M", time.localtime(self._now() + pause))
        return f"Waiting until {until}: {failed}"


def _turn(ahead: int) -> str:
    if ahead == 1:
        return "Waiting for its turn: 1 message to the same drop is before it."
    many = f"{ahead} or more" if ahead >= MOST_COUNTED else str(ahead)
    return f"Waiting for its turn: {many} messages to the same drop are before it."
