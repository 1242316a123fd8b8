"""Delivery attempts: what a response says about the message, and about the server."""

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.delivery_attempts import LONGEST_PAUSE, DeliveryAttempts
from qabel.core.sending.post_result import PostOutcome, PostResult
from qabel.core.sending.send_queue import SendQueue
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, InvalidResponse, NotAdmitted, ServerRefused
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
        self.asked: list[tuple[bytes, str]] = []
        self.worked: list[bool] = []
        self.attempts = DeliveryAttempts(
            self.server,
            self.clock,
            self.no_drop_server,
            lambda queue, had_failed: self.worked.append(had_failed),
            lambda: self.drawn,
        )
        self.drawn = 0.0
        self.queue = SendQueue(posting(1).queue, "http://one.example")

    def no_drop_server(self, owner: bytes, server: str) -> str | None:
        """Return what reading shows."""
        self.asked.append((owner, server))
        return self.shown

    def make(self, error: DropServerError | None = None, attempts: int = 0) -> PostResult:
        """Make an attempt."""
        self.server.error = error
        one = evolve(posting(1), attempts=attempts)
        return result_of(Deferred.fromCoroutine(self.attempts.make(self.queue, one)))

    def pause(self) -> float:
        """Return the seconds until the next attempt."""
        return self.queue.due - self.clock.seconds()

    def test_nothing_is_taken_where_no_drop_server_is(self) -> None:
        """While reading shows a web page, an empty 200 to a message counts as a failure."""
        self.shown = "The drop server at one.example sent an invalid response."
        result = self.make()
        self.assertEqual(PostOutcome.FAILED, result.outcome)
        self.assertIn(self.shown, result.reason or "")
        self.assertEqual(1, self.queue.attempts.failures)
        self.shown = None
        self.assertEqual(PostOutcome.TAKEN, self.make().outcome)
        self.assertEqual([True], self.worked)
        self.assertEqual({(posting(1).sender, "http://one.example")}, set(self.asked))

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

    def test_a_message_that_is_rejected_is_tried_again_later(self) -> None:
        """The queue works, and the message waits longer each time that it is rejected."""
        for attempts, pause in ((0, 1.0), (1, 2.0), (4, 16.0), (100, LONGEST_PAUSE / 2)):
            self.make(ServerRefused("Not found.", status=404), attempts)
            self.assertEqual((pause, 0), (self.pause(), self.queue.attempts.failures))
        self.assertEqual([False] * 4, self.worked)

    def test_a_closed_group_takes_nothing(self) -> None:
        """Without its token, all messages wait, and none is given up."""
        for status in (400, 401):
            result = self.make(NotAdmitted("Set it.", status=status))
            self.assertEqual(PostResult(PostOutcome.FAILED, "Set it."), result)
            self.assertTrue(self.queue.attempts.is_not_admitted)
        self.assertEqual((2, []), (self.queue.attempts.failures, self.worked))
        self.make(ServerRefused("Out of order.", status=500))
        self.assertFalse(self.queue.attempts.is_not_admitted)

    def test_failures_before_a_restart_count(self) -> None:
        """A message that failed often before is not tried again as quickly as one that is new."""
        self.make(ServerRefused("Out of order.", status=500), attempts=5)
        self.assertEqual(32.0, self.pause())

    def test_the_server_may_ask_for_time(self) -> None:
        """It gets it, and up to half as much again, so that not all come back together."""
        for self.drawn, asked, waits in (
            (0.0, 60.0, 60.0),
            (0.5, 60.0, 75.0),
            (0.0, 1e9, LONGEST_PAUSE),
        ):
            self.make(ServerRefused("Later.", status=503, retry_after=asked))
            self.assertEqual(waits, self.pause())
            self.queue.wake(self.clock.seconds(), 0)
            self.assertEqual(waits, self.pause())
