"""Running exchanges under limits, and translating what can go wrong with them."""

import pytest
from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived

from qabel.net.errors import (
    ConnectFailed,
    EncodedBody,
    HeadersTooLong,
    IncompleteResponse,
    InvalidResponse,
    ResponseTooLarge,
    StaleConnection,
    TimedOut,
)
from qabel.net.exchange_limits import ExchangeLimits
from qabel.net.exchanges import Exchanges, is_stale, translate

PEER = "The drop server at drop.example"


def wrapped(*errors: Exception) -> ResponseFailed:
    """Wrap errors as Twisted's HTTP client does."""
    return ResponseNeverReceived([Failure(each) for each in errors])


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (wrapped(HeadersTooLong()), ResponseTooLarge, "sent too many headers."),
        (EncodedBody(), InvalidResponse, "compressed its response"),
        (wrapped(SSL.Error()), ConnectFailed, "with a TLS error"),
        (wrapped(ConnectionDone()), IncompleteResponse, "closed the connection before"),
        (wrapped(ConnectionLost()), IncompleteResponse, "closed the connection before"),
        (wrapped(StaleConnection()), IncompleteResponse, "closed the connection before"),
        (wrapped(ValueError(), SSL.Error()), ConnectFailed, "with a TLS error"),
        (wrapped(ValueError("secret")), InvalidResponse, "sent an invalid HTTP response."),
        (wrapped(wrapped(ConnectionDone())), IncompleteResponse, "closed the connection before"),
    ],
)
def test_translate(error: Exception, kind: type[Exception], detail: str) -> None:
    """Errors of the HTTP client become errors that name the peer and quote nothing."""
    translated = translate(error, PEER)
    assert type(translated) is kind
    assert str(translated).startswith(f"{PEER} ")
    assert detail in str(translated)
    assert "secret" not in str(translated)


def test_translate_what_is_not_of_the_network() -> None:
    """Cancellation is unwrapped, and errors of the program stay as they are."""
    assert type(translate(wrapped(CancelledError()), PEER)) is CancelledError
    error = ZeroDivisionError()
    assert translate(error, PEER) is error


def test_is_stale() -> None:
    """A stale connection is recognized however it is wrapped."""
    assert is_stale(wrapped(StaleConnection()))
    assert is_stale(RequestTransmissionFailed([Failure(wrapped(StaleConnection()))]))
    assert not is_stale(wrapped(ConnectionDone()))
    assert not is_stale(ZeroDivisionError())


class RunTests(SynchronousTestCase):
    """Exchanges that run under limits."""

    def setUp(self) -> None:
        """Make exchanges with a silence limit of ten seconds."""
        self.clock = Clock()
        self.exchanges = Exchanges(self.clock, ExchangeLimits(silence=10))

    def tearDown(self) -> None:
        """Check that no watchdog is left."""
        self.assertEqual([], self.clock.getDelayedCalls())

    def run_until(self, done: "Deferred[int]") -> "Deferred[int]":
        """Run an exchange that waits for a Deferred."""

        async def work(watchdog: object) -> int:
            return await done

        return Deferred.fromCoroutine(self.exchanges.run(PEER, work))

    def test_result(self) -> None:
        """The result of the work is returned."""
        done: Deferred[int] = Deferred()
        running = self.run_until(done)
        self.assertNoResult(running)
        done.callback(5)
        self.assertEqual(5, self.successResultOf(running))

    def test_errors(self) -> None:
        """Errors are translated; those that are DropServerErrors already stay as they are."""
        for error, kind in (
            (wrapped(ConnectionDone()), IncompleteResponse),
            (InvalidResponse("No."), InvalidResponse),
            (ZeroDivisionError(), ZeroDivisionError),
        ):
            done: Deferred[int] = Deferred()
            running = self.run_until(done)
            done.errback(error)
            self.failureResultOf(running, kind)

    def test_time_limit(self) -> None:
        """When a limit is exceeded the work is cancelled, and TimedOut raised."""
        cancelled: list[object] = []
        running = self.run_until(Deferred(cancelled.append))
        self.clock.advance(10)
        self.assertEqual(1, len(cancelled))
        failure = self.failureResultOf(running, TimedOut)
        self.assertEqual(f"{PEER} did not respond in time.", failure.getErrorMessage())

    def test_close(self) -> None:
        """Closing cancels what is under way, fires when it has ended, and rejects new work."""
        cleaned_up: Deferred[None] = Deferred()

        async def work(watchdog: object) -> None:
            try:
                await Deferred()
            finally:
                await cleaned_up

        running = Deferred.fromCoroutine(self.exchanges.run(PEER, work))
        closed = self.exchanges.close()
        self.assertNoResult(closed)
        cleaned_up.callback(None)
        self.failureResultOf(running, CancelledError)
        self.successResultOf(closed)
        failure = self.failureResultOf(self.run_until(Deferred()), ConnectFailed)
        self.assertIn("the daemon is stopping", failure.getErrorMessage())
