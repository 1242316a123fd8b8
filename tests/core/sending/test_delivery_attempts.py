"""Delivery attempts: what a response says about the message, and about the server."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.delivery_attempts import DeliveryAttempts
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.server_queue import ServerQueue
from qabel.core.sending.timers import Timers
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, InvalidResponse, ServerRefused
from tests.core.items import posting


@define
class Server:
    """Takes messages, or raises what a test sets."""

    error: DropServerError | None = None
    taken: list[bytes] = field(factory=list)

    async def post(self, url: DropURL, message: bytes) -> None:
        """Take a message, or not."""
        if self.error is not None:
            raise self.error
        self.taken.append(message)


class AttemptTests(SynchronousTestCase):
    """Attempts at one server."""

    def setUp(self) -> None:
        """Begin with a server that works."""
        self.clock, self.server = Clock(), Server()
        self.shown: str | None = None
        self.recovered: list[ServerQueue] = []
        self.attempts = DeliveryAttempts(
            self.server, self.clock, lambda _: self.shown, self.recovered.append
        )
        self.queue = ServerQueue("http://one.example", Timers(self.clock), lambda _: None)

    def make(self, error: DropServerError | None = None) -> PostResult:
        """Make an attempt."""
        self.server.error = error
        making = Deferred.fromCoroutine(self.attempts.make(self.queue, posting(1)))
        return result_of(making)

    def test_nothing_is_taken_where_no_drop_server_is(self) -> None:
        """While reading shows a web page, an empty 200 to a message counts as a failure."""
        self.shown = "The drop server at one.example sent an invalid response."
        result = self.make()
        self.assertEqual(PostOutcome.FAILED, result.outcome)
        self.assertIn(self.shown, result.reason or "")
        self.assertEqual(1, self.queue.attempts.failures)
        self.shown = None
        self.assertEqual(PostOutcome.TAKEN, self.make().outcome)
        self.assertEqual([self.queue], self.recovered)

    def test_only_a_drop_server_refuses_for_good(self) -> None:
        """A 400 ends a delivery, unless reading shows that it comes from something else."""
        refusal = ServerRefused("No.", status=400, permanent=True)
        self.shown = "A page."
        self.assertEqual(PostOutcome.FAILED, self.make(refusal).outcome)
        self.shown = None
        self.assertEqual(PostOutcome.REFUSED, self.make(refusal).outcome)

    def test_what_pauses_the_server(self) -> None:
        """Pages, redirects and 5xx are about the server; other statuses are about one message."""
        for error in (
            InvalidResponse("A page."),
            *(ServerRefused("No.", status=status) for status in (302, 429, 500, 511)),
        ):
            before = self.queue.attempts.failures
            self.assertEqual(PostResult(PostOutcome.FAILED, error.detail), self.make(error))
            self.assertEqual(before + 1, self.queue.attempts.failures)
            self.assertGreater(self.queue.attempts.not_before, self.clock.seconds())
        self.make(ServerRefused("Not found.", status=404))
        self.assertEqual(0, self.queue.attempts.failures)
