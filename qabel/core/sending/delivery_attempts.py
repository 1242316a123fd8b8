"""Delivery attempts: a message is posted to a drop, and the response says how that went."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.backoff import backoff
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.server_queue import ServerQueue
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, InvalidResponse, ServerRefused
from qabel.store.outbox.sends import Posting

FIRST_PAUSE = 2.0
"""Seconds before the second attempt, roughly; further pauses double."""

LONGEST_PAUSE = 900.0
"""Seconds between two attempts at most."""


class DropPoster(Protocol):
    """Posts to a drop server: ``qabel.net.drop_client.DropClient``."""

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Post a message to a drop. Raises DropServerError; a ServerRefused may be permanent."""


def pause_after(failures: int) -> float:
    """Return the seconds to wait after one more failure than this many in a row."""
    return backoff(failures, base=FIRST_PAUSE, longest=LONGEST_PAUSE)


@frozen(eq=False)
class DeliveryAttempts:
    """Makes delivery attempts, and notes with the server's queue how they ended."""

    _client: DropPoster
    _clock: IReactorTime
    _no_drop_server: Callable[[str], str | None]
    """Returns how reading from a server's URL showed that it is no drop server, or None."""
    _on_recovered: Callable[[ServerQueue], None]
    """Called when a server works that had failed before."""

    _log = Logger()

    async def make(self, server: ServerQueue, posting: Posting) -> PostResult:
        """Post a message once, and return how that ended."""
        started = self._clock.seconds()
        try:
            await self._client.post(DropURL.parse(posting.url), posting.sealed)
            self._check(server)
        except DropServerError as error:
            self._blame(server, error, started)
            return PostResult(self._outcome(server, error), error.detail)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever the error is, the message must be retried
            self._log.failure("Posting a message failed unexpectedly")
            return PostResult(PostOutcome.FAILED, "Internal error; the daemon's log has details.")
        self._works(server)
        return PostResult(PostOutcome.TAKEN)

    def _check(self, server: ServerQueue) -> None:
        """Raise InvalidResponse if what took a message is known to be no drop server."""
        shown = self._no_drop_server(server.server)
        if shown is not None:
            raise InvalidResponse(
                f"{server.server} responded as if it had taken the message, but reading from it "
                f"shows that something else responds in place of a drop server. {shown}"
            )

    def _outcome(self, server: ServerQueue, error: DropServerError) -> PostOutcome:
        is_final = isinstance(error, ServerRefused) and error.permanent
        # What is no drop server cannot refuse a message for good.
        if is_final and self._no_drop_server(server.server) is None:
            return PostOutcome.REFUSED
        return PostOutcome.FAILED

    def _works(self, server: ServerQueue) -> None:
        if server.succeeded(self._clock.seconds()):
            self._on_recovered(server)

    def _blame(self, server: ServerQueue, error: DropServerError, started: float) -> None:
        """Pause posting to the server, unless it only rejected this message."""
        now, asked = self._clock.seconds(), 0.0
        if isinstance(error, ServerRefused):
            if _is_about_the_message(error.status):
                self._works(server)
                return
            asked = min(error.retry_after or 0.0, LONGEST_PAUSE)
        # What began before the server was seen to work says nothing about it.
        delay = 0.0 if started < server.proved else pause_after(server.attempts.failures)
        server.asked_until = now + asked
        server.attempts.failed(now, error.detail, max(delay, asked))


def _is_about_the_message(status: int) -> bool:
    """Return whether a server that responds with this status may well take other messages."""
    return 400 <= status < 500 and status != 429
