"""Posting: again and again until settled; no queue delays another."""

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.post_result import PostOutcome
from qabel.core.sending.poster import Poster
from qabel.core.sending.posting_slots import AT_ONCE_TO_SERVER
from qabel.net.errors import ConnectFailed, ServerRefused
from qabel.store.database.errors import StoreFull
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting
from tests.core.items import posting


@define
class Servers:
    """Drop servers: away, refusing, hanging, or well."""

    posted: list[bytes] = field(factory=list)
    errors: dict[str, Exception] = field(factory=dict)
    hanging: list[Deferred[None]] = field(factory=list)
    hang: bool = False

    async def post(self, url, message: bytes) -> None:
        """Take a message, or not."""
        if self.hang:
            waiting: Deferred[None] = Deferred()
            self.hanging.append(waiting)
            await waiting
        if url.server in self.errors:
            raise self.errors[url.server]
        self.posted.append(message)


@define
class Repository:
    """Notes outcomes; full if the test says so."""

    noted: list[tuple[str, int]] = field(factory=list)
    patient: list[int] = field(factory=list)
    """What may be stored with what comes next."""
    full: bool = False
    ready: dict[int, Posting] = field(factory=dict)

    def posted(self, each: Posting, *, now: float, may_wait: bool) -> "Deferred[OutboxChange]":
        """Note that it was taken."""
        if may_wait:
            self.patient.append(each.id)
        return self._note("posted", each)

    def refused(self, each: Posting, reason: str, *, now: float) -> "Deferred[OutboxChange]":
        """Note that it was refused."""
        return self._note("refused", each)

    def failed_attempt(self, each: Posting, until: float, reason: str) -> "Deferred[None]":
        """Note that it is to be tried again."""
        return self._note("failed", each).addCallback(lambda _: None)

    def _note(self, what: str, each: Posting) -> "Deferred[OutboxChange]":
        if self.full:
            return fail(StoreFull("no room"))
        self.noted.append((what, each.id))
        after = self.ready.pop(each.id, None)
        return succeed(OutboxChange((after,) if after else (), None, 0))


class PosterTests(SynchronousTestCase):
    """A poster on a clock of the test's own."""

    def setUp(self) -> None:
        """Start one."""
        self.clock, self.servers, self.repository = Clock(), Servers(), Repository()
        self.poster = Poster(
            self.servers, self.repository, lambda _: None, clock=self.clock, now=self.clock.seconds
        )
        self.poster.startService()

    def tearDown(self) -> None:
        """Stop it; no timer is left."""
        self.poster.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_posted(self) -> None:
        """What is taken is noted, and who waits for it is told."""
        one = posting(1)
        waiting = self.poster.first_attempt((one.send_id, one.recipient, one.url))
        self.poster.add([one])
        self.assertEqual(PostOutcome.TAKEN, self.successResultOf(waiting).outcome)
        self.assertEqual([("posted", 1)], self.repository.noted)
        self.assertEqual(frozenset(), self.poster.under_way)

    def test_only_the_last_may_be_stored_with_the_next(self) -> None:
        """While other clients wait, or nobody does, outcomes are stored at once."""
        one, two, three = posting(1), posting(2), posting(3)
        self.servers.hang = True
        for each in (one, two):
            self.poster.first_attempt((each.send_id, each.recipient, each.url))
        self.poster.add([one, two, three])
        for each in (self.servers.hanging.pop(0) for _ in range(3)):
            each.callback(None)
        self.assertEqual([("posted", 1), ("posted", 2), ("posted", 3)], self.repository.noted)
        self.assertEqual([2], self.repository.patient)

    def test_retried_until_taken(self) -> None:
        """A server that is away is tried again, the same bytes, until it is back."""
        self.servers.errors["http://one.example"] = ConnectFailed("refused")
        self.poster.add([posting(1)])
        self.clock.pump([1.0] * 100)
        failures = len(self.repository.noted)
        self.assertGreater(failures, 3)
        self.servers.errors.clear()
        self.clock.pump([10.0] * 100)
        self.assertEqual([b"sealed 1"], self.servers.posted)
        self.assertEqual(("posted", 1), self.repository.noted[-1])

    def test_one_server_in_trouble_delays_no_other(self) -> None:
        """While one server fails, another's messages go at once."""
        self.servers.errors["http://one.example"] = ConnectFailed("refused")
        self.poster.add([posting(1), posting(2, "http://two.example"), posting(3)])
        self.assertEqual([b"sealed 2"], self.servers.posted)
        self.assertTrue(self.poster.in_trouble(posting(1).queue))
        self.assertFalse(self.poster.in_trouble(posting(2, "http://two.example").queue))

    def test_few_at_once(self) -> None:
        """No server gets more than a few at the same time; the others follow, one after a while."""
        self.servers.hang = True
        self.poster.add([posting(number) for number in range(1, 41)])
        self.assertEqual(AT_ONCE_TO_SERVER, len(self.servers.hanging))
        self.servers.hanging.pop().callback(None)
        self.assertEqual(AT_ONCE_TO_SERVER - 1, len(self.servers.hanging))
        self.clock.advance(20)
        self.assertEqual(AT_ONCE_TO_SERVER, len(self.servers.hanging))
        self.poster.forget_postings(range(1, 41))
        for _ in range(100):
            if self.servers.hanging:
                self.servers.hanging.pop().callback(None)
            self.clock.advance(20)
        self.assertEqual(AT_ONCE_TO_SERVER + 1, len(self.servers.posted))
        self.assertEqual(
            (0, {}), (self.poster._schedule._slots._total, self.poster._schedule._slots._in_line)
        )

    def test_one_after_another_in_a_queue(self) -> None:
        """Of one queue nothing is posted before the outcome of what comes first is known."""
        self.servers.hang = True
        second = evolve(posting(1), id=2, send_id=2, delivery_id=2, sealed=b"sealed 2")
        self.poster.add([posting(1), second])
        self.assertEqual(1, len(self.servers.hanging))
        self.servers.hanging.pop().callback(None)
        self.servers.hanging.pop().callback(None)
        self.assertEqual([b"sealed 1", b"sealed 2"], self.servers.posted)
        self.assertEqual(0, len(self.poster._schedule.queues))

    def test_a_thousand_queues(self) -> None:
        """Many queues that wait are all posted, and nothing is left of them afterwards."""
        self.servers.errors["http://one.example"] = ConnectFailed("refused")
        self.poster.add(posting(number) for number in range(1000))
        self.assertEqual(1000, len(self.poster.under_way))
        self.servers.errors.clear()
        self.poster.server_works(b"", "http://one.example", had_failed=True)
        self.clock.pump([1.0] * 1000)
        self.assertEqual(1000, len(self.servers.posted))
        self.assertEqual(
            (0, frozenset()), (len(self.poster._schedule.queues), self.poster.under_way)
        )

    def test_refused_for_good(self) -> None:
        """A refusal for good is noted, and never tried again."""
        self.servers.errors["http://one.example"] = ServerRefused("no", status=413, permanent=True)
        self.poster.add([posting(1)])
        self.clock.pump([100.0] * 10)
        self.assertEqual([("refused", 1)], self.repository.noted)

    def test_next_in_line(self) -> None:
        """What stood behind a message is posted after it."""
        self.repository.ready[1] = posting(2)
        self.poster.add([posting(1)])
        self.assertEqual([b"sealed 1", b"sealed 2"], self.servers.posted)

    def test_full_disk(self) -> None:
        """An outcome that cannot be kept is kept later, and the message is not posted again."""
        self.repository.full = True
        self.poster.add([posting(1)])
        self.assertEqual(1, self.poster.unkept)
        self.clock.pump([5.0] * 5)
        self.repository.full = False
        self.clock.pump([5.0] * 20)
        self.assertEqual([("posted", 1)], self.repository.noted)
        self.assertEqual([b"sealed 1"], self.servers.posted)
        self.assertEqual(0, self.poster.unkept)

    def test_unexpected_error(self) -> None:
        """An error nobody thought of is logged, and the message is tried again."""
        self.servers.errors["http://one.example"] = ZeroDivisionError()
        self.poster.add([posting(1)])
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.servers.errors.clear()
        self.clock.pump([10.0] * 10)
        self.assertEqual([b"sealed 1"], self.servers.posted)

    def test_forgotten(self) -> None:
        """What is forgotten while it waits, for its server or for its time, is not posted."""
        self.servers.errors["http://one.example"] = ConnectFailed("refused")
        self.poster.add([posting(1), posting(2), posting(3)])
        self.poster.forget([1], 0)
        self.poster.forget([2], 0)
        self.servers.errors.clear()
        self.clock.pump([10.0] * 20)
        self.assertEqual([b"sealed 3"], self.servers.posted)
        self.assertEqual(frozenset(), self.poster.under_way)

    def test_forgotten_during_an_attempt(self) -> None:
        """What is forgotten while it is on its way is not tried again if that fails."""
        self.servers.hang = True
        self.poster.add([posting(1)])
        self.poster.forget([1], 0)
        self.servers.errors["http://one.example"] = ConnectFailed("refused")
        self.servers.hanging.pop().callback(None)
        self.servers.errors.clear()
        self.servers.hang = False
        self.clock.pump([10.0] * 20)
        self.assertEqual([], self.servers.posted)

    def test_added_twice(self) -> None:
        """What is in hand is not posted a second time."""
        self.servers.hang = True
        self.poster.add([posting(1)])
        self.poster.add([posting(1)])
        self.assertEqual(1, len(self.servers.hanging))
