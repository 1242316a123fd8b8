"""What a server can see of other queues when it provokes one: nothing that it could date."""

from collections.abc import Iterable
from itertools import pairwise
from statistics import fmean

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.poster import Poster
from qabel.core.sending.send_schedule import LEARNED_AFTER
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, ServerRefused
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.sends import Posting
from tests.core.items import draws, posting

SERVER = "http://one.example"
ALICE, BOB = b"\1" * 32, b"\2" * 32


@define
class Provoking:
    """A server that responds to each drop as it likes, and notes when requests come."""

    clock: Clock
    responses: dict[str, "DropServerError | Deferred[None]"] = field(factory=dict)
    """By the URL of the drop."""
    default: DropServerError | None = None
    times: dict[str, list[float]] = field(factory=dict)

    def post(self, url: DropURL, message: bytes) -> "Deferred[None]":
        """Respond to a posting."""
        self.times.setdefault(str(url), []).append(self.clock.seconds())
        response = self.responses.get(str(url), self.default)
        if isinstance(response, Deferred):
            return response
        return succeed(None) if response is None else fail(response)

    def last(self, of: Iterable[Posting]) -> list[float]:
        """Return when the last request came for each of some postings, in order."""
        return sorted(self.times[each.url][-1] for each in of)


@define
class Repository:
    """An outbox that has a next message for some postings."""

    behind: dict[int, Posting] = field(factory=dict)

    def posted(self, each: Posting, **_: object) -> "Deferred[OutboxChange]":
        """Return what comes next."""
        after = self.behind.pop(each.id, None)
        return succeed(OutboxChange(() if after is None else (after,)))

    def refused(self, each: Posting, reason: str, *, now: float) -> "Deferred[OutboxChange]":
        """Return what comes next."""
        return self.posted(each)

    def failed_attempt(self, *_: object) -> "Deferred[None]":
        """Keep nothing."""
        return succeed(None)


def busy(seconds: float | None = None, status: int = 503) -> ServerRefused:
    """Return the response of a server that wants to be left alone."""
    return ServerRefused(f"It said {status}.", status=status, retry_after=seconds)


class IsolationTests(SynchronousTestCase):
    """One poster, and a server that treats its queues differently."""

    def setUp(self) -> None:
        """Begin with a server that takes everything."""
        self.clock, self.repository = Clock(), Repository()
        self.server = Provoking(self.clock)
        self.poster = Poster(
            self.server,
            self.repository,
            lambda _: None,
            clock=self.clock,
            now=self.clock.seconds,
            draw=draws(),
        )
        self.poster.startService()
        self.addCleanup(self.poster.stopService)

    def due(self, *of: Posting) -> list[float]:
        """Return when the queues of some postings are due."""
        found = [self.poster.queue(each.queue) for each in of]
        return [each.due for each in found if each is not None]

    def waiting(self, count: int) -> list[Posting]:
        """Return postings that failed for hours, in as many queues of two senders."""
        made = [posting(100 + n, sender=ALICE if n % 2 else BOB) for n in range(count)]
        self.server.default = busy()
        self.poster.add(made)
        self.clock.pump([4.0] * 1800)
        self.server.default = None
        return made

    def test_what_one_queue_is_told_delays_no_other(self) -> None:
        """503, 429, 500 and silence for one posting do not show in when others come."""
        others = [
            posting(2, sender=ALICE),
            posting(1, sender=BOB),
            posting(3, sender=BOB),
        ]
        for number, response in enumerate((busy(600.0), busy(60.0, 429), busy(), Deferred()), 10):
            provoked = posting(number, sender=ALICE)
            self.server.responses[provoked.url] = response
            self.poster.add([provoked])
            for each in others:
                before = len(self.server.times.get(each.url, ()))
                self.poster.add([each])
                self.assertEqual(before + 1, len(self.server.times[each.url]))
            self.clock.advance(3000)

    def test_two_senders_to_one_drop(self) -> None:
        """Of two identities that write to the same drop, one does not wait for the other."""
        alice, bob = posting(1, sender=ALICE), evolve(posting(1, sender=BOB), id=2)
        self.server.responses[alice.url] = Deferred()
        self.poster.add([alice])
        self.server.responses.clear()
        self.poster.add([bob])
        self.assertEqual([0.0, 0.0], self.server.times[bob.url])

    def test_a_provoked_queue_moves_no_other(self) -> None:
        """While others wait, nothing that happens to one that fails changes when they are due."""
        others = self.waiting(20)
        before = self.due(*others)
        self.assertEqual(20, len(before))
        self.server.default = busy(1.0)
        self.poster.add([posting(1)])
        self.clock.pump([1.0] * 20)
        self.assertGreater(len(self.server.times[posting(1).url]), 2)
        still = [each for each in before if each > self.clock.seconds()]
        self.assertEqual(sorted(still), sorted(each for each in self.due(*others) if each in still))
        self.assertGreater(len(still), 10)

    def test_what_one_learns_reaches_others_after_a_while(self) -> None:
        """When one is accepted, each of the others comes after a delay that is drawn for it."""
        others = self.waiting(400)
        began = self.clock.seconds()
        self.poster.add([posting(1)])
        self.assertEqual(began, self.server.times[posting(1).url][-1])
        self.clock.pump([0.25] * 2000)
        delays = [each - began for each in self.server.last(others)]
        self.assertEqual(frozenset(), self.poster.under_way)
        self.assertLess(abs(fmean(delays) - LEARNED_AFTER), 4)
        # As of an exponential: a sixth in five seconds, half in 21, and none that waits for others.
        for seconds, share in ((5, 0.154), (21, 0.503), (60, 0.865)):
            early = sum(each <= seconds for each in delays) / len(delays)
            self.assertLess(abs(early - share), 0.08)

    def test_the_same_queue_goes_on_at_once(self) -> None:
        """What waits behind a message in its own queue is posted as soon as that is accepted."""
        first, second = posting(1), evolve(posting(1), id=2, send_id=2)
        self.repository.behind[1] = second
        self.server.default = busy()
        self.poster.add([first])
        self.clock.pump([60.0] * 60)
        self.server.default = None
        while self.poster.under_way:
            self.clock.advance(1)
        times = self.server.times[first.url]
        self.assertEqual(times[-1], times[-2])

    def test_successes_do_not_add_up(self) -> None:
        """Many successes in a row bring nothing sooner than one does."""
        delays = []
        for number in range(60):
            self.setUp()
            self.poster._schedule._draw = draws(number)
            [one] = self.waiting(1)
            began = self.clock.seconds()
            while self.poster.under_way:
                self.poster.add([posting(7)])
                self.poster.server_works(ALICE, SERVER, had_failed=False)
                self.clock.advance(1)
            delays.append(self.server.last([one])[0] - began)
        self.assertGreater(fmean(delays), LEARNED_AFTER * 0.6)
        self.assertLess(fmean(delays), LEARNED_AFTER * 1.6)

    def test_one_that_is_refused_alone(self) -> None:
        """A queue that is refused while all others are served is tried no more often for that."""
        one = posting(1, sender=ALICE)
        self.server.responses[one.url] = busy()
        self.poster.add([one])
        for _ in range(3600):
            self.clock.advance(2)
            self.poster.add([posting(7, sender=BOB)])
            self.poster.server_works(ALICE, SERVER, had_failed=False)
        self.assertLess(len(self.server.times[one.url]), 25)

    def test_those_that_fail_together_do_not_come_back_together(self) -> None:
        """A message to a hundred recipients that all fail comes back at a hundred times."""
        for response, after, seconds in ((busy(), 3, 3.0), (busy(60.0), 1, 25.0)):
            self.setUp()
            group = [posting(100 + number) for number in range(100)]
            self.server.default = response
            self.poster.add(group)
            self.clock.pump([0.05] * 20 * 200)
            nth = sorted(self.server.times[each.url][after] for each in group)
            self.assertGreater(nth[-1] - nth[0], seconds)
            self.assertLess(max(new - old for old, new in pairwise(nth)), seconds / 2)
            self.assertLess(max(sum(t <= each < t + 0.5 for each in nth) for t in nth), 25)

    def test_settings_wake_nobody_at_the_same_moment(self) -> None:
        """What is tried again because something changed is spread over some time."""
        others = self.waiting(100)
        self.poster.try_again()
        before = self.clock.seconds()
        self.clock.pump([0.25] * 400)
        times = self.server.last(others)
        self.assertEqual(100, sum(each > before for each in times))
        self.assertLess(max(sum(t <= each < t + 0.5 for each in times) for t in times), 25)
