"""The log: places, followers at their own pace, and what is gone."""

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.errors import Gone
from qabel.core.journal.journal import RING_SIZE, Log
from qabel.deferreds import AT_ONCE
from qabel.store.journal.entries import JournalEntry


class Shelf:
    """A feed in memory that counts how often it is read."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.reads = 0
        self.broken = False
        self.held: Deferred | None = None

    def read(self, after: int, limit: int) -> "Deferred[list[JournalEntry]]":
        """Give entries after a number; later, if the test holds them back."""
        self.reads += 1
        if self.held is not None:
            self.held.addCallback(lambda _: [e for e in self.entries if e.seq > after][:limit])
            return self.held
        if self.broken:
            return fail(OSError("disk"))
        return succeed([each for each in self.entries if each.seq > after][:limit])


class LogTests(SynchronousTestCase):
    """A log that begins with entry 100."""

    def setUp(self) -> None:
        """Make a log with nothing new."""
        self.shelf = Shelf()
        self.shelf.entries = [JournalEntry(number, "drop", b"{}", 1) for number in range(1, 101)]
        self.clock = Clock()
        self.log = Log(self.shelf, clock=self.clock, database_id="abc", last_seq=100, floor=0)

    def add(self, kind: str = "drop", identity: int | None = 1) -> None:
        """Commit one entry."""
        seq = self.log.last_seq + 1
        self.shelf.entries.append(JournalEntry(seq, kind, b"{}", identity))
        self.log.advanced(seq)

    def test_many_followers_share_one_reading(self) -> None:
        """A thousand followers that wait cost one look at the disk."""
        followers = [self.log.follow(None) for _ in range(1000)]
        waiting = [Deferred.fromCoroutine(each.next()) for each in followers]
        self.add()
        self.assertNoResult(waiting[-1])
        self.clock.pump([0] * 100)
        self.assertEqual({101}, {self.successResultOf(each)[0].seq for each in waiting})
        self.assertEqual(1, self.shelf.reads)

    def test_thousands_wait_for_one_reading(self) -> None:
        """However many wait for the disk, and some give up, the others are told."""
        waiting = [self.next(self.log.follow(None)) for _ in range(2000)]
        self.shelf.held = Deferred()
        self.add()
        for each in waiting[::2]:
            each.addErrback(lambda failure: failure.trap(CancelledError) and None)
            each.cancel()
        held, self.shelf.held = self.shelf.held, None
        held.callback(None)
        waiting[-1].addErrback(lambda failure: failure.trap(CancelledError) and None)
        waiting[-1].cancel()
        self.clock.pump([0] * 100)
        self.assertEqual({101}, {self.successResultOf(each)[0].seq for each in waiting[1:-1:2]})
        self.assertEqual(1, self.shelf.reads)

    def test_many_wait_for_a_change(self) -> None:
        """Those who wait for anything new are told a few in a turn, unless they gave up."""
        waiting = [self.log.changed() for _ in range(2 * AT_ONCE)]
        waiting[0].addErrback(lambda failure: failure.trap(CancelledError) and None)
        waiting[0].cancel()
        self.add()
        self.assertEqual(AT_ONCE + 1, sum(each.called for each in waiting))
        last = next(each for each in waiting if not each.called)
        last.addErrback(lambda failure: failure.trap(CancelledError) and None)
        last.cancel()
        self.clock.pump([0] * 10)
        self.assertTrue(all(each.called for each in waiting))

    def test_away_for_long(self) -> None:
        """A follower from long ago sees everything, in order and once."""
        follower = self.log.follow("abc.10")
        for _ in range(3 * RING_SIZE):
            self.add()
        seen: list[int] = []
        while not seen or seen[-1] < self.log.last_seq:
            seen += [entry.seq for entry in self.successResultOf(self.next(follower))]
        self.assertEqual(list(range(11, 101 + 3 * RING_SIZE)), seen)

    def next(self, follower: object) -> "Deferred[list]":
        """Ask a follower for more."""
        return Deferred.fromCoroutine(follower.next(70))  # type: ignore[attr-defined]

    def test_narrowed(self) -> None:
        """A follower passes over what it did not ask for, and its place moves on."""
        follower = self.log.follow(None, kinds=frozenset({"settings"}))
        mine = self.log.follow(None, identity=7)
        waiting, for_me = self.next(follower), self.next(mine)
        self.add()
        self.assertNoResult(waiting)
        self.add("settings", None)
        self.assertEqual([102], [each.seq for each in self.successResultOf(waiting)])
        self.assertNoResult(for_me)
        self.add("drop", 7)
        self.assertEqual([103], [each.seq for each in self.successResultOf(for_me)])

    def test_failure_loses_nothing(self) -> None:
        """A disk that fails for a while moves no follower: it goes on where it was."""
        follower = self.log.follow(None)
        waiting = self.next(follower)
        self.shelf.broken = True
        self.add()
        self.failureResultOf(waiting, OSError)
        self.assertEqual("abc.100", follower.place)
        self.shelf.broken = False
        self.assertEqual([101], [each.seq for each in self.successResultOf(self.next(follower))])

    def test_deleted_entries(self) -> None:
        """Numbers of messages that were deleted hold up nobody."""
        follower = self.log.follow("abc.90")
        del self.shelf.entries[90:]
        waiting = self.next(follower)
        self.assertNoResult(waiting)
        self.add()
        self.assertEqual([101], [each.seq for each in self.successResultOf(waiting)])

    def test_foreign_places(self) -> None:
        """Places that this database did not give are gone: there is never a silent gap."""
        for place in ("xyz.5", "abc.101", "abc.", "abc.-1", "abc.1.5", "5", "", "abc.٣"):
            self.assertRaises(Gone, self.log.parse, place)
        self.assertEqual((0, 7), (self.log.parse("0"), self.log.parse("abc.7")))

    def test_events_past_their_time(self) -> None:
        """Who was away for longer than events are kept is told; messages are there still."""
        self.log.forgotten(50)
        self.assertRaises(Gone, self.log.follow, "abc.49")
        self.log.follow("abc.50")
        self.log.follow("abc.49", kinds=frozenset({"drop"}))

    def test_close_wakes(self) -> None:
        """A follower that is closed gives nothing more, and leaves nothing behind."""
        follower = self.log.follow(None)
        waiting = self.next(follower)
        follower.close()
        self.assertEqual([], self.successResultOf(waiting))
        self.assertEqual([], self.log._hungry)
