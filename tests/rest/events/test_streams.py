"""Event streams: whatever the others do, each is told all it wants, in order and once."""

import re
from typing import Any
from unittest.mock import patch

from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from qabel import deferreds
from qabel.contract.access import EVERYTHING
from qabel.core.journal.cursor_marks import CursorMarks
from qabel.core.journal.follower import Followers
from qabel.core.journal.journal import Journal
from qabel.deferreds import BATCH_SIZE
from qabel.rest.events.streams import HEARTBEAT, Streams
from qabel.rest.http.access_control import Decision
from qabel.store.journal.entries import JournalEntry

KINDS = ("drop", "settings")


@define
class Disk:
    """A feed whose readings take their time."""

    entries: list[JournalEntry] = field(factory=list)
    readings: list[Any] = field(factory=list)

    def read(self, after: int, limit: int) -> "Deferred[list[JournalEntry]]":
        """Return entries after a number, once there is an answer."""
        answer: Deferred[list[JournalEntry]] = Deferred()
        self.readings.append((answer, after, limit))
        return answer

    def answer(self) -> None:
        """Answer the reading that waits the longest."""
        answer, after, limit = self.readings.pop(0)
        answer.callback([each for each in self.entries if each.seq > after][:limit])

    def fail(self) -> None:
        """Have the reading that waits the longest fail."""
        self.readings.pop(0)[0].errback(OSError("disk"))


@define(eq=False)
class Peer:
    """A request of one who listens, and all that stream of events needs of it."""

    kinds: Any = None
    wanted: list[int] = field(factory=list)
    text: bytes = b""
    is_narrow: bool = False
    is_paused: bool = False
    is_broken: bool = False
    is_connected: bool = True
    is_aborted: bool = False
    is_stream: bool = False
    responseHeaders: Headers = field(factory=Headers)
    decision: Decision = field(factory=lambda: Decision(EVERYTHING))
    producer: Any = None
    served: Any = None

    @property
    def channel(self) -> "Peer":
        """The connection is this too, as is the site, and its access control."""
        return self

    site = access_control = channel

    def decide(self, request: "Peer") -> Decision:
        """Let it in."""
        return request.decision

    def setResponseCode(self, code: int) -> None:
        """Begin an answer."""

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Begin an answer."""

    def notifyFinish(self) -> "Deferred[None]":
        """Return what fires when it is over: never, as the test ends it otherwise."""
        return Deferred()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Know whom to ask for less."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget whom to ask for less."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Take what is written; a narrow one has enough then."""
        if self.is_broken:
            raise RuntimeError("broken")
        assert not self.is_paused
        self.text += data
        if self.is_narrow:
            self.is_paused = True
            self.producer.pauseProducing()

    def read_on(self) -> None:
        """Take all that was written."""
        if self.is_paused:
            self.is_paused = False
            self.producer.resumeProducing()

    def abort(self) -> None:
        """Be cut off."""
        self.is_aborted = True

    @property
    def told(self) -> list[int]:
        """The numbers of the entries that it was told of."""
        return [int(each) for each in re.findall(rb"^id: abc\.(\d+)\nevent:", self.text, re.M)]


@define
class World:
    """A journal that begins at its tenth entry, and those who follow it."""

    disk: Disk = field(factory=Disk)
    clock: Clock = field(factory=Clock)
    peers: list[Peer] = field(factory=list)
    journal: Any = None
    streams: Any = None

    def __attrs_post_init__(self) -> None:
        """Begin."""
        self.disk.entries = [JournalEntry(seq, "drop", b"{}", 1) for seq in range(1, 11)]
        self.journal = Journal(
            entries=self.disk,
            clock=self.clock,
            marks=CursorMarks((), "abc", 0),
            last_seq=10,
            floor=0,
        )
        self.streams = Streams(self.journal, self.clock)

    def connect(self, since: str | None = None, kinds: Any = None) -> Peer:
        """Have one more follow."""
        follower = Followers(self.journal).follow(since, kinds=kinds)
        peer = Peer(kinds=kinds)
        peer.wanted = [
            each.seq
            for each in self.disk.entries
            if each.seq > follower.seq and (kinds is None or each.kind in kinds)
        ]
        self.peers.append(peer)
        peer.served = Deferred.fromCoroutine(self.streams.serve(peer, follower))
        return peer

    def add(self, kind: str = "drop") -> None:
        """Commit an entry."""
        seq = self.journal.last_seq + 1
        self.disk.entries.append(JournalEntry(seq, kind, b"{}", 1))
        for each in self.peers:
            if each.kinds is None or kind in each.kinds:
                each.wanted.append(seq)
        self.journal.advance(seq)

    def hang_up(self, peer: Peer) -> None:
        """Have one be gone."""
        self.peers.remove(peer)
        peer.is_connected = False
        peer.served.addErrback(lambda failure: failure.trap(CancelledError) and None)
        peer.served.cancel()

    def hang_up_all(self) -> None:
        """Have all be gone; a stream that is left to the garbage collector ends in no order."""
        for each in list(self.peers):
            self.hang_up(each)

    def settle(self) -> None:
        """Have all answers come, all clients read, and all turns pass."""
        for each in self.peers:
            each.is_narrow = False
        for _ in range(1000):
            for each in self.peers:
                each.read_on()
            if self.disk.readings:
                self.disk.answer()
            elif not self.clock.getDelayedCalls() or self._is_quiet():
                return
            self.clock.advance(0)
        raise AssertionError("it does not come to rest")

    def _is_quiet(self) -> bool:
        now = self.clock.seconds()
        return all(each.getTime() > now for each in self.clock.getDelayedCalls())


class Following(RuleBasedStateMachine):
    """Any order of things that can happen."""

    @initialize(held=st.integers(0, 3))
    def begin(self, held: int) -> None:
        """Begin, some with listeners who are told together, two in a turn."""
        self.fewer = patch.object(deferreds, "BATCH_SIZE", 2)
        self.fewer.start()
        self.world = World()
        for _ in range(held):
            self.world.connect()

    def one(self, data: st.DataObject) -> Peer:
        """Choose a client."""
        return data.draw(st.sampled_from(self.world.peers))  # type: ignore[no-any-return]

    @rule(
        back=st.one_of(st.none(), st.integers(0, 6)),
        kinds=st.sampled_from([None, frozenset({"drop"}), frozenset({"settings"})]),
    )
    def connect(self, back: int | None, kinds: Any) -> None:
        """One connects, from now on or from a while ago."""
        last = self.world.journal.last_seq
        self.world.connect(None if back is None else f"abc.{max(last - back, 1)}", kinds)

    @rule(kind=st.sampled_from(KINDS), count=st.integers(1, 3))
    def news(self, kind: str, count: int) -> None:
        """Something happens."""
        for _ in range(count):
            self.world.add(kind)

    @precondition(lambda self: self.world.disk.readings)
    @rule()
    def disk(self) -> None:
        """Have the disk answer."""
        self.world.disk.answer()

    @rule()
    def turn(self) -> None:
        """Have the reactor go on."""
        self.world.clock.advance(0)

    @precondition(lambda self: self.world.peers)
    @rule(data=st.data(), narrow=st.booleans())
    def narrow(self, data: st.DataObject, narrow: bool) -> None:
        """One takes no more than one piece at a time, or all again."""
        self.one(data).is_narrow = narrow

    @precondition(lambda self: self.world.peers)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """One reads."""
        self.one(data).read_on()

    @precondition(lambda self: self.world.peers)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        """One is gone."""
        self.world.hang_up(self.one(data))

    @rule()
    def heartbeat(self) -> None:
        """Hearts beat, and who has not read since the last time is cut off."""
        self.world.clock.advance(HEARTBEAT)
        for each in list(self.world.peers):
            if each.is_aborted:
                self.world.hang_up(each)

    @invariant()
    def in_order(self) -> None:
        """Nobody is told what is not its turn."""
        for each in self.world.peers:
            assert each.told == each.wanted[: len(each.told)]

    def teardown(self) -> None:
        """In the end all have been told all."""
        try:
            self.world.settle()
        finally:
            self.fewer.stop()
        for each in list(self.world.peers):
            assert each.told == each.wanted
            assert not each.served.called
            self.world.hang_up(each)
        assert not self.world.clock.getDelayedCalls()
        assert not self.world.journal._hungry


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=150, stateful_step_count=40)


class StreamsTests(SynchronousTestCase):
    """What can be said without trying everything."""

    def setUp(self) -> None:
        """Begin with nobody; in the end nobody is left."""
        self.world = World()
        self.addCleanup(self.world.hang_up_all)

    def test_told_together(self) -> None:
        """A thousand who are up to date cost one who reads; they are told a few in a turn."""
        peers = [self.world.connect() for _ in range(1000)]
        self.assertEqual(1, len(self.world.journal._hungry))
        self.world.add()
        self.world.disk.answer()
        self.assertEqual(BATCH_SIZE, sum(each.told == [11] for each in peers))
        self.world.settle()
        self.assertTrue(all(each.told == [11] for each in peers))

    def test_broken_listener(self) -> None:
        """One that cannot be written to ends alone; the others are told all."""
        peers = [self.world.connect() for _ in range(3)]
        peers[1].is_broken = True
        for _ in range(2):
            self.world.add()
            self.world.disk.answer()
        self.failureResultOf(peers[1].served, RuntimeError)
        self.assertEqual([[11, 12], [], [11, 12]], [each.told for each in peers])

    def test_broken_heartbeat(self) -> None:
        """One whose heartbeat fails is cut off, and the hearts of the others go on."""
        peers = [self.world.connect() for _ in range(3)]
        peers[1].is_broken = True
        for _ in range(2):
            self.world.clock.advance(HEARTBEAT)
        self.assertEqual([False, True, False], [each.is_aborted for each in peers])
        self.assertEqual([2, 0, 2], [each.text.count(b": \n\n") for each in peers])
        self.assertEqual(2, len(self.flushLoggedErrors(RuntimeError)))

    def test_heartbeats_a_few_at_a_time(self) -> None:
        """The heartbeats of a thousand do not hold up the reactor."""
        peers = [self.world.connect() for _ in range(1000)]

        def beaten() -> int:
            return sum(b": \n\n" in each.text for each in peers)

        between: list[int] = []
        self.world.clock.callLater(HEARTBEAT, lambda: between.append(beaten()))
        self.world.clock.advance(HEARTBEAT)
        self.assertEqual([BATCH_SIZE], between)
        self.assertEqual(1000, beaten())

    def test_reading_fails(self) -> None:
        """When the disk fails all streams end, and whoever comes again misses nothing."""
        peers = [self.world.connect() for _ in range(2 * BATCH_SIZE)]
        self.world.add()
        self.world.disk.fail()
        self.world.clock.advance(0)
        for each in peers:
            self.failureResultOf(each.served, OSError)
        self.world.peers.clear()
        again = self.world.connect("abc.10")
        self.world.disk.answer()
        self.assertEqual([11], again.told)

    def test_gone(self) -> None:
        """Who hangs up while the others are being told is told no more."""
        peers = [self.world.connect() for _ in range(2 * BATCH_SIZE)]
        self.world.add()
        self.world.disk.answer()
        self.world.hang_up(peers[-1])
        self.world.settle()
        self.assertEqual([[11]] * (2 * BATCH_SIZE - 1) + [[]], [each.told for each in peers])

    def test_paused_by_a_heartbeat(self) -> None:
        """Nothing is written to one whose heartbeat was a piece too many, until it reads again."""
        together = self.world.connect()
        self.world.add()
        alone = self.world.connect()
        together.is_narrow = alone.is_narrow = True
        self.world.clock.advance(HEARTBEAT)
        self.world.disk.answer()
        self.world.add()
        self.world.disk.answer()
        self.assertEqual([[], []], [together.told, alone.told])
        self.world.settle()
        self.assertEqual([[11, 12], [12]], [together.told, alone.told])
