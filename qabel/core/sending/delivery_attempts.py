"""Delivery attempts: a message is posted to a drop, and the response says how that went."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.backoff import backoff
from qabel.core.errors import StoreError
from qabel.core.random_delays import Draw, draw_securely
from qabel.core.sending.post_result import PostOutcome, PostResult, outcome_of
from qabel.core.sending.sealing import CannotSeal
from qabel.core.sending.send_queue import SendQueue
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, InvalidResponse, NotAdmitted, ServerRefused
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.sends import Posting

FIRST_PAUSE = 2.0
"""Seconds before the second attempt, roughly; further pauses double."""

LONGEST_PAUSE = 900.0
"""Seconds between two attempts at most."""


class DropPoster(Protocol):
    """Posts to a drop server: ``qabel.net.drop_client.DropClient``."""

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Post a message to a drop. Raises DropServerError; a ServerRefused may be permanent."""


def pause_after(failures: int, draw: Draw = draw_securely) -> float:
    """Return the seconds to wait after one more failure than this many in a row."""
    return backoff(failures, base=FIRST_PAUSE, longest=LONGEST_PAUSE, draw=draw)


async def box_at_hand(posting: Posting) -> bytes:
    """Return the box of a posting that was stored sealed."""
    if posting.sealed is None:
        raise CannotSeal("Nothing seals messages here.")
    return posting.sealed


@frozen(eq=False)
class DeliveryAttempts:
    """Makes delivery attempts, and notes with the queue how they ended, and when to try again."""

    _client: DropPoster
    _clock: IReactorTime
    _no_drop_server: Callable[[bytes, str], str | None]
    """Returns how the readings of an identity, by its public key, showed that there is no drop
    server at a URL; None if they did not."""
    _on_works: Callable[[SendQueue, bool], None]
    """Called when a server works, with whether it had failed before."""
    _draw: Draw = draw_securely
    _box: Callable[[Posting], Awaitable[bytes]] = box_at_hand
    """Returns the box of a posting, which may have to be sealed. Raises CannotSeal, StoreError."""

    _log = Logger()

    async def make(self, queue: SendQueue, posting: Posting) -> PostResult:
        """Post a message once, and return how that ended."""
        try:
            box = posting.sealed or await self._box(posting)
            await self._client.post(DropURL.parse(posting.url), box)
            self._check(queue, posting)
        except CannotSeal as error:
            return PostResult(PostOutcome.REFUSED, error.reason)
        except StoreClosed:
            raise
        except StoreError as error:
            self._put_off(queue, posting)
            return PostResult(PostOutcome.FAILED, str(error))
        except DropServerError as error:
            outcome = outcome_of(error, self._no_drop_server(posting.sender, queue.server))
            if not self._blame(queue, posting, error) and outcome is PostOutcome.FAILED:
                self._put_off(queue, posting)
            return PostResult(outcome, error.detail)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever the error is, the message must be retried
            self._log.failure("Posting a message failed unexpectedly")
            self._put_off(queue, posting)
            return PostResult(PostOutcome.FAILED, "Internal error; the daemon's log has details.")
        self._works(queue)
        return PostResult(PostOutcome.TAKEN)

    def _check(self, queue: SendQueue, posting: Posting) -> None:
        """Raise InvalidResponse if what took a message is known to be no drop server."""
        shown = self._no_drop_server(posting.sender, queue.server)
        if shown is not None:
            raise InvalidResponse(
                f"{queue.server} responded as if it had taken the message, but reading from it "
                f"shows that something else responds in place of a drop server. {shown}"
            )

    def _works(self, queue: SendQueue) -> None:
        self._on_works(queue, queue.succeeded(self._clock.seconds()))

    def _put_off(self, queue: SendQueue, posting: Posting) -> None:
        queue.put_off(self._clock.seconds(), pause_after(posting.attempts, self._draw))

    def _blame(self, queue: SendQueue, posting: Posting, error: DropServerError) -> bool:
        """Note that the server failed; return False if it only rejected this message."""
        asked = 0.0
        if isinstance(error, ServerRefused):
            if _is_about_the_message(error):
                self._works(queue)
                return False
            asked = min(error.retry_after or 0.0, LONGEST_PAUSE)
        # How often the message failed is known after a restart as well.
        failures = max(queue.attempts.failures, posting.attempts)
        pause = pause_after(failures, self._draw)
        # Several messages that are asked to come back at one time do not.
        asked *= 1.0 + self._draw() / 2
        queue.failed(
            self._clock.seconds(),
            error.detail,
            pause,
            asked,
            is_not_admitted=isinstance(error, NotAdmitted),
        )
        return True


def _is_about_the_message(error: ServerRefused) -> bool:
    """Return whether a server that responds like this may well take other messages."""
    if isinstance(error, NotAdmitted):
        return False
    return 400 <= error.status < 500 and error.status != 429
