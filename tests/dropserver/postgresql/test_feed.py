"""Push from the database: each message once, in order, none skipped; and when it is away."""

import random
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from wsproto.events import BytesMessage

from qabel.dropserver.message_values import Post, hash_drop_id
from qabel.dropserver.postgresql.feed import (
    BATCH,
    MOST_EACH,
    SWEEP_INTERVAL,
    DatabaseFeed,
)
from qabel.dropserver.postgresql.notices import PREFIX_SIZE
from qabel.dropserver.postgresql.reading import Pushed
from qabel.dropserver.stamps import format_latest
from qabel.dropserver.storage import StoreUnavailable
from tests.conftest import LoggedFailures

DROP, OTHER = "a" * 43, "b" * 43


@define(eq=False)
class Listening:
    """Who listens, and what they got."""

    counts: dict[str, int] = field(factory=lambda: defaultdict(int))
    got: dict[str, list[int]] = field(factory=lambda: defaultdict(list))
    closed: int = 0

    def has_subscribers(self, drop_id: str) -> bool:
        """Return whether anybody listens to a drop."""
        return self.counts[drop_id] > 0

    def publish(self, drop_id: str, message: BytesMessage) -> None:
        """Note a message."""
        head, _, body = bytes(message.data).partition(b"\n\n")
        stamp = int(body)
        assert head.startswith(f"X-Qabel-Latest: {format_latest(stamp)}\n".encode())
        if self.counts[drop_id]:
            self.got[drop_id].append(stamp)

    def close(self) -> None:
        """Send all away."""
        self.closed += 1
        self.counts.clear()


@define(eq=False)
class Messages:
    """Messages in memory; what is asked is answered at once, or when the test says so."""

    stamps: dict[bytes, list[int]] = field(factory=lambda: defaultdict(list))
    is_away: bool = False
    is_slow: bool = False
    waiting: "list[tuple[Deferred[Any], Any]]" = field(factory=list)
    asked: list[list[bytes]] = field(factory=list)

    def store(self, drop_id: str, *stamps: int) -> None:
        """Store messages."""
        self.stamps[hash_drop_id(drop_id)] += stamps

    def latest(self, drop_id: str) -> "Deferred[int]":
        """Return the greatest stamp of a drop, as it is when it is read."""
        stamps = self.stamps[hash_drop_id(drop_id)]
        return self._answer(stamps[-1] if stamps else 0)

    def newer(self, after: dict[bytes, int], limit: int) -> "Deferred[list[Pushed]]":
        """Return what is newer, as it is when it is read."""
        self.asked.append(list(after))
        assert 0 < len(after) <= BATCH
        found = [
            Pushed(place, stamp, b"%d" % stamp)
            for place, last in after.items()
            for stamp in [each for each in self.stamps[place] if each > last][:limit]
        ]
        return self._answer(sorted(found, key=lambda each: each.stamp))

    def _answer(self, value: Any) -> "Deferred[Any]":
        if self.is_slow:
            done: Deferred[Any] = Deferred()
            self.waiting.append((done, value))
            return done
        return fail(StoreUnavailable("away")) if self.is_away else succeed(value)

    def go_on(self, number: int = 0) -> None:
        """Answer one of those who wait."""
        done, value = self.waiting.pop(number)
        if self.is_away:
            done.errback(StoreUnavailable("away"))
        else:
            done.callback(value)


@define(eq=False)
class Setting:
    """A feed with all that it needs."""

    clock: Clock = field(factory=Clock)
    listeners: Listening = field(factory=Listening)
    messages: Messages = field(factory=Messages)
    feed: DatabaseFeed = field(init=False)
    stood: dict[str, int] = field(factory=dict)
    """Where drops stood when somebody began to listen."""

    def __attrs_post_init__(self) -> None:
        self.feed = DatabaseFeed(self.listeners, self.messages, self.clock)
        self.feed.start()
        self.feed.listening(True)

    def subscribe(self, drop_id: str = DROP) -> "Deferred[None]":
        """Listen to a drop."""

        async def run() -> None:
            await self.feed.follow(drop_id)
            if not self.listeners.counts[drop_id]:
                self.stood[drop_id] = len(self.messages.stamps[hash_drop_id(drop_id)])
                self.listeners.got.pop(drop_id, None)
            self.listeners.counts[drop_id] += 1

        return start(run())

    def leave(self, drop_id: str = DROP) -> None:
        """Stop listening to a drop."""
        self.listeners.counts[drop_id] -= 1

    def tell(self, drop_id: str = DROP) -> None:
        """Tell that another front end stored something in a drop."""
        self.feed.heard([hash_drop_id(drop_id)[:PREFIX_SIZE]])


def start(work: "Coroutine[Deferred[Any], Any, None]") -> "Deferred[None]":
    """Begin something asynchronous."""
    return Deferred.fromCoroutine(work)


def outcome(done: "Deferred[None]") -> object:
    """Return what a Deferred has by now: a result, or the type of an exception."""
    found: list[object] = []
    done.addCallbacks(found.append, lambda failure: found.append(failure.type))
    return found[0] if found else "nothing"


@pytest.fixture
def setting() -> Setting:
    """Return a feed that hears others."""
    return Setting()


def test_what_others_store_is_passed_on(setting: Setting) -> None:
    """LocalListeners get what comes after they came, in order, once."""
    setting.messages.store(DROP, 1, 2)
    setting.subscribe()
    setting.messages.store(DROP, 3, 4)
    for _ in range(2):
        setting.tell()
    setting.messages.store(DROP, 5)
    setting.tell(OTHER)
    setting.tell()
    assert setting.listeners.got == {DROP: [3, 4, 5]}


def test_what_is_stored_here_comes_with_what_is_before_it(setting: Setting) -> None:
    """A message of this front end does not overtake one that another stored just before."""
    setting.subscribe()
    setting.messages.store(DROP, 1, 2)
    setting.feed.stored(Post(DROP, b"2"), 2)
    setting.feed.stored(Post(OTHER, b"3"), 3)
    assert setting.listeners.got == {DROP: [1, 2]}
    assert len(setting.messages.asked) == 1


def test_more_than_are_read_at_once(setting: Setting) -> None:
    """A long list is read in parts, those of other drops in between."""
    setting.subscribe()
    setting.subscribe(OTHER)
    stamps = list(range(1, 3 * MOST_EACH + 1))
    setting.messages.store(DROP, *stamps)
    setting.messages.store(OTHER, 7)
    setting.tell()
    setting.tell(OTHER)
    assert setting.listeners.got == {DROP: stamps, OTHER: [7]}


def test_many_drops(setting: Setting) -> None:
    """Of many drops, some are read at once, and in the order in which they were told."""
    names = [f"{number:043}" for number in range(2 * BATCH + 1)]
    for each in names:
        setting.subscribe(each)
        setting.messages.store(each, 1)
    setting.clock.advance(SWEEP_INTERVAL)
    assert setting.listeners.got == {each: [1] for each in names}
    assert [len(each) for each in setting.messages.asked] == [BATCH, BATCH, 1]


def test_what_comes_while_reading_is_read_after_it(setting: Setting) -> None:
    """News of a drop that is just being read is not lost."""
    setting.subscribe()
    setting.messages.is_slow = True
    setting.messages.store(DROP, 1)
    setting.tell()
    setting.messages.store(DROP, 2)
    setting.tell()
    assert len(setting.messages.waiting) == 1
    setting.messages.go_on()
    setting.messages.go_on()
    assert setting.listeners.got == {DROP: [1, 2]}
    assert setting.messages.waiting == []


def test_a_front_end_that_dies_before_it_tells(setting: Setting) -> None:
    """All drops are read from time to time."""
    setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.clock.advance(SWEEP_INTERVAL - 1)
    assert setting.listeners.got == {}
    setting.clock.advance(1)
    assert setting.listeners.got == {DROP: [1]}


def test_a_database_that_is_away(setting: Setting) -> None:
    """What could not be read is read a second later, again and again."""
    setting.subscribe()
    setting.messages.is_away = True
    setting.messages.store(DROP, 1)
    setting.tell()
    setting.clock.pump([1, 1, 1])
    assert len(setting.messages.asked) == 4
    setting.messages.store(DROP, 2)
    setting.tell()
    setting.messages.is_away = False
    setting.clock.advance(1)
    assert setting.listeners.got == {DROP: [1, 2]}
    assert outcome(setting.subscribe(OTHER)) is None


def test_nobody_can_listen_while_the_database_is_away(setting: Setting) -> None:
    """Whoever wants to has to come again."""
    setting.messages.is_away = True
    assert outcome(setting.subscribe()) is StoreUnavailable
    assert len(setting.feed) == 0


def test_others_that_cannot_be_heard(setting: Setting) -> None:
    """All who listen are sent away, and nobody can listen until others are heard again."""
    setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.feed.listening(False)
    assert setting.listeners.closed == 1
    assert not setting.feed.is_ready
    assert outcome(setting.subscribe()) is StoreUnavailable
    setting.tell()
    setting.clock.advance(SWEEP_INTERVAL)
    setting.feed.listening(True)
    assert setting.listeners.closed == 1
    assert outcome(setting.subscribe()) is None
    setting.messages.store(DROP, 2)
    setting.tell()
    assert setting.listeners.got == {DROP: [2]}


def test_others_that_cannot_be_heard_meanwhile(setting: Setting) -> None:
    """Whoever is about to listen then has to come again, too."""
    setting.messages.is_slow = True
    done = setting.subscribe()
    setting.feed.listening(False)
    setting.messages.go_on()
    assert outcome(done) is StoreUnavailable
    assert len(setting.feed) == 0


def test_a_drop_that_is_left(setting: Setting) -> None:
    """It is not read any more after the next sweep."""
    setting.subscribe()
    setting.subscribe(OTHER)
    setting.leave()
    setting.clock.advance(SWEEP_INTERVAL)
    assert len(setting.feed) == 1
    setting.messages.asked.clear()
    setting.tell()
    assert setting.messages.asked == []


def test_a_drop_that_is_left_and_followed_again(setting: Setting) -> None:
    """Who comes later gets what comes later."""
    setting.subscribe()
    setting.leave()
    setting.messages.store(DROP, 1)
    setting.subscribe()
    setting.messages.store(DROP, 2)
    setting.tell()
    assert setting.listeners.got == {DROP: [2]}


def test_two_who_come_at_the_same_time(setting: Setting) -> None:
    """Where a drop stands is known by the first."""
    setting.messages.is_slow = True
    first, second = setting.subscribe(), setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.messages.go_on()
    setting.tell()
    setting.messages.go_on(1)
    assert setting.listeners.got == {DROP: [1]}
    setting.messages.go_on()
    assert outcome(first) is outcome(second) is None
    setting.messages.is_slow = False
    setting.messages.store(DROP, 2)
    setting.tell()
    assert setting.listeners.got == {DROP: [1, 2]}


def test_nothing_is_jumped_over_by_what_was_read_for_others(setting: Setting) -> None:
    """Who follows a drop from an earlier stamp on gets all after it, whatever is being read."""
    setting.subscribe()
    setting.messages.is_slow = True
    late = setting.subscribe(OTHER)
    setting.messages.go_on()
    assert outcome(late) is None
    # One is about to follow it, and another has got two messages and left.
    setting.leave()
    later = setting.subscribe()
    setting.listeners.counts[DROP] += 1
    setting.messages.store(DROP, 1, 2)
    setting.tell()
    setting.messages.go_on(1)
    setting.messages.store(DROP, 3)
    setting.tell()
    setting.leave()
    setting.messages.go_on()
    assert outcome(later) is None
    setting.listeners.got.clear()
    setting.messages.is_slow = False
    setting.messages.go_on()
    assert setting.listeners.got == {DROP: [1, 2, 3]}


def test_something_unexpected(setting: Setting, logged_failures: LoggedFailures) -> None:
    """It is logged, and the next news are read."""
    setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.messages.asked = None  # type: ignore[assignment]
    setting.tell()
    assert len(logged_failures.flush()) == 1
    setting.messages.asked = []
    setting.tell()
    assert setting.listeners.got == {DROP: [1]}


@pytest.mark.parametrize("is_away", [False, True])
def test_the_end(setting: Setting, is_away: bool) -> None:
    """Nothing is passed on any more, and no timer is left, whatever was going on."""
    setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.messages.is_away = is_away
    setting.tell()
    setting.feed.close()
    assert setting.clock.getDelayedCalls() == []
    setting.tell()
    setting.feed.listening(True)
    assert outcome(setting.subscribe()) is StoreUnavailable
    assert setting.listeners.got == ({} if is_away else {DROP: [1]})


@pytest.mark.parametrize("is_away", [False, True])
def test_the_end_while_reading(setting: Setting, is_away: bool) -> None:
    """What is read then is not passed on; that it cannot be read does not matter."""
    setting.subscribe()
    setting.messages.store(DROP, 1)
    setting.messages.is_slow = True
    setting.tell()
    setting.feed.close()
    setting.messages.is_away = is_away
    setting.messages.go_on()
    assert setting.clock.getDelayedCalls() == []
    assert setting.listeners.got == {}


STEPS = ["store", "tell", "go on", "go on", "follow", "leave", "sweep"]


def step(setting: Setting, chance: random.Random, number: int) -> None:
    """Do something that can happen at any time."""
    name = chance.choice([DROP, OTHER])
    waiting, counts = setting.messages.waiting, setting.listeners.counts
    match chance.choice(STEPS):
        case "store":
            setting.messages.store(name, number)
        case "tell":
            setting.tell(name)
        case "go on" if waiting:
            setting.messages.go_on(chance.randrange(len(waiting)))
        case "follow":
            setting.subscribe(name)
        case "leave" if counts[name]:
            setting.leave(name)
        case "sweep":
            setting.clock.advance(SWEEP_INTERVAL)


@given(st.randoms(use_true_random=False), st.integers(1, 80))
def test_in_any_order_nothing_is_skipped(chance: random.Random, steps: int) -> None:
    """Whoever listens gets all that comes after they came, in order, without a gap."""
    setting = Setting()
    setting.messages.is_slow = True
    for number in range(steps):
        step(setting, chance, number + 1)
    while setting.messages.waiting:
        setting.messages.go_on()
    setting.messages.is_slow = False
    setting.clock.advance(SWEEP_INTERVAL)
    for name in (DROP, OTHER):
        if setting.listeners.counts[name]:
            got = setting.listeners.got[name]
            stamps = setting.messages.stamps[hash_drop_id(name)]
            assert len(got) >= len(stamps) - setting.stood[name]
            assert got == stamps[len(stamps) - len(got) :]
    setting.feed.close()
    assert setting.clock.getDelayedCalls() == []
