"""Posting again and again: when a server is left alone, and when it no longer is."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.poster import LONGEST_PAUSE, Poster
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, NotAllowed, ServerRefused
from qabel.store.outbox.changes import OutboxChange
from tests.core.items import posting

SERVER = "http://one.example"


class Wire:
    """Drop servers that answer as they are told, and the outbox."""

    def __init__(self) -> None:
        self.error: DropServerError | None = None
        self.posted: list[str] = []

    def post(self, url: DropURL, message: bytes) -> "Deferred[None]":
        """Take a message, or fail."""
        self.posted.append(str(url))
        return succeed(None) if self.error is None else fail(self.error)

    def settled(self, *_: object, **__: object) -> "Deferred[OutboxChange]":
        """Keep how it ended."""
        return succeed(OutboxChange(last_seq=1))

    def failed_attempt(self, *_: object) -> "Deferred[None]":
        """Keep that it failed."""
        return succeed(None)


class Repository:
    """The outbox, with the names that the poster knows."""

    def __init__(self, wire: Wire) -> None:
        self.posted = wire.settled
        self.refused = wire.settled
        self.failed_attempt = wire.failed_attempt


class PostingTests(SynchronousTestCase):
    """What a server says decides whom it is about: the message, or all of them."""

    def setUp(self) -> None:
        """Begin with a server in order."""
        self.clock, self.wire = Clock(), Wire()
        self.poster = Poster(
            self.wire,
            Repository(self.wire),
            lambda _: None,
            clock=self.clock,
            now=self.clock.seconds,
        )
        self.poster.startService()
        self.addCleanup(self.poster.stopService)

    def post(self, *numbers: int) -> int:
        """Have some posted; return how many attempts that made."""
        before = len(self.wire.posted)
        self.poster.add(posting(number) for number in numbers)
        return len(self.wire.posted) - before

    def test_a_server_out_of_order_is_left_alone(self) -> None:
        """After a 500 one message finds out whether it works again, the others wait."""
        self.wire.error = ServerRefused("It said 500.", status=500)
        self.assertEqual(1, self.post(1, 2, 3))
        [(name, attempts)] = self.poster.failing()
        self.assertEqual((SERVER, "It said 500."), (name, attempts.last_error))
        self.assertTrue(self.poster.in_trouble(posting(1).url))
        self.wire.error = None
        self.clock.pump([0.5] * 12)
        self.assertEqual(4, len(self.wire.posted))
        self.assertEqual([], self.poster.failing())

    def test_a_server_is_left_alone_for_as_long_as_it_asks(self) -> None:
        """Retry-After is heeded, within reason."""
        for status, asked, waits in ((503, 60.0, 60), (429, 1e9, LONGEST_PAUSE)):
            self.wire.error = ServerRefused("Later.", status=status, retry_after=asked)
            self.poster.try_again()
            self.post(status)
            before = len(self.wire.posted)
            self.clock.advance(waits - 1)
            self.assertEqual(before, len(self.wire.posted))
            self.clock.advance(2)
            self.assertGreater(len(self.wire.posted), before)

    def test_a_message_that_is_not_liked_holds_up_no_other(self) -> None:
        """What the server says of one message, or of one drop, is about that alone."""
        self.wire.error = ServerRefused("It said 404.", status=404)
        self.assertEqual(3, self.post(1, 2, 3))
        self.assertEqual([], self.poster.failing())

    def test_what_waits_can_be_tried_at_once(self) -> None:
        """When the user has allowed a server, nobody waits for the end of a pause."""
        self.wire.error = NotAllowed("It uses http.")
        self.post(1, 2)
        self.wire.error = None
        self.clock.advance(0.1)
        self.assertEqual(1, len(self.wire.posted))
        self.poster.try_again()
        self.clock.pump([0, 0, 0])
        self.assertEqual(3, len(self.wire.posted))
