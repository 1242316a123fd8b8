"""Taking messages with two front ends on one database: shares, full drops, and failures."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from attrs import define, evolve, field
from twisted.internet.task import Clock

from qabel.dropserver.admission import Full
from qabel.dropserver.message_values import DAY, MESSAGE_SIZE, Post, Retention, charge
from qabel.dropserver.postgresql.appending import Appender, Outcome
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.room import FULL_INTERVAL, SharedRoom
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.dropserver.postgresql.source_numbers import source_of
from qabel.host.http_server.sources import LOCAL, ONION, Source

DROP, OTHER = "a" * 43, "b" * 43

ONE = charge(MESSAGE_SIZE)

TODAY = 20_000


def address(network: int, member: int = 1) -> Source:
    """Return an IPv4 address."""
    return bytes((10, network >> 8, network & 0xFF, member))


@define(eq=False)
class FrontEnd:
    """What stores messages in one of several processes, with a clock that the test turns."""

    url: str
    retention: Retention
    clock: Clock
    link: DatabaseLink = field(init=False)
    room: SharedRoom = field(init=False)
    appender: Appender = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.link = DatabaseLink(self.url, bring_up_to_date)
        self.room = SharedRoom(self.retention, now=self.clock.seconds)
        self.appender = Appender(
            self.link,
            self.room,
            lambda: self.retention,
            lambda: float(TODAY * DAY),
            self.clock.seconds,
        )

    def post(
        self, source: Source, count: int = 1, drop: str = DROP, *, batch: int = 50
    ) -> "Counter[str]":
        """Store messages in batches; return how many of them got which outcome."""
        outcomes: Counter[str] = Counter()
        while count > 0:
            posts = [Post(drop, bytes(MESSAGE_SIZE), source)] * min(batch, count)
            outcomes.update(kind(each) for each in self.appender.append(posts))
            count -= batch
        return outcomes

    def taken(self, source: Source, count: int = 1, drop: str = DROP, *, batch: int = 50) -> int:
        """Store messages; return how many were taken."""
        return self.post(source, count, drop, batch=batch)["stored"]

    def wait(self) -> None:
        """Let time pass until figures are outdated."""
        self.clock.advance(FULL_INTERVAL + 10)

    def ask(self, statement: str) -> list[tuple[int, ...]]:
        """Execute a statement; return its rows."""
        with self.link.use() as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def there(self, drop: str | None = None) -> dict[Source, int]:
        """Return how many messages of which source there are: in a drop, or in all."""
        sums = dict(self.ask("SELECT source, sum(messages) FROM held GROUP BY 1"))
        counts = dict(self.ask("SELECT source, count(*) FROM message GROUP BY 1"))
        assert {number: int(count) for number, count in sums.items() if count} == counts
        if drop is not None:
            place = Post(drop, b"").place.hex()
            counts = dict(
                self.ask(
                    f"SELECT source, count(*) FROM message WHERE place = '\\x{place}' GROUP BY 1"
                )
            )
        return {self.source(number): count for number, count in counts.items()}

    def source(self, number: int) -> Source:
        """Return the source that a number stands for, among those of these tests."""
        for each in (LOCAL, ONION, *(address(n) for n in range(20)), *NEIGHBOURS):
            if self.appender._keys.number(each) == number:
                return each
        raise AssertionError(number)


NEIGHBOURS = [address(99, member) for member in range(100)]


def kind(outcome: Outcome) -> str:
    """Return what became of a message."""
    if isinstance(outcome, DatabaseAway):
        return "failed"
    return outcome.value if isinstance(outcome, Full) else "stored"


def ends(url: str, **kept: int) -> "Iterator[FrontEnd]":
    """Yield two front ends."""
    values = {"quota": 100 * ONE, "drop_quota": 1000, **kept}
    retention = Retention(quota=values["quota"], drop_quota=values["drop_quota"])
    clock = Clock()
    made = [FrontEnd(url, retention, clock) for _ in range(2)]
    yield from made


@pytest.fixture
def pair(database: str) -> Iterator[Sequence[FrontEnd]]:
    """Return two front ends, with room for 100 messages and 1000 in a drop."""
    made = list(ends(database))
    yield made
    for each in made:
        each.link.close()


@pytest.fixture
def small(database: str) -> Iterator[Sequence[FrontEnd]]:
    """Return two front ends, with room for 20 messages in a drop."""
    made = list(ends(database, quota=10_000 * ONE, drop_quota=20))
    yield made
    for each in made:
        each.link.close()


def test_all_is_taken_while_there_is_room(pair: Sequence[FrontEnd]) -> None:
    """One source may have all, whichever front ends take it; then it has to wait."""
    one, two = pair
    assert one.taken(address(1), 60) == 60
    assert two.taken(address(1), 60) == 40
    assert two.post(address(1)) == {Full.SERVER.value: 1}
    one.wait()
    assert one.post(address(1)) == {Full.SERVER.value: 1}
    assert one.there() == {address(1): 100}


def test_two_share_evenly(pair: Sequence[FrontEnd]) -> None:
    """A second source gets half of it, by either front end."""
    one, two = pair
    one.post(address(1), 100)
    assert two.taken(address(2), 30) == 30
    one.wait()
    assert one.taken(address(2), 70, batch=7) == 20
    assert two.there() == {address(1): 50, address(2): 50}


def test_what_the_other_has_taken_is_seen_later(pair: Sequence[FrontEnd]) -> None:
    """Both together store too much for some seconds at most; then it goes."""
    one, two = pair
    assert one.taken(address(1), 20) == 20
    assert two.taken(address(2), 60) == 60
    assert one.taken(address(1), 60) == 60
    assert sum(one.there().values()) == 140
    one.wait()
    for number in range(3, 9):
        assert one.taken(address(number)) == 1
    assert sum(one.there().values()) == 100
    assert all(one.there()[address(number)] == 1 for number in range(3, 9))


def test_both_make_room_at_the_same_time(pair: Sequence[FrontEnd]) -> None:
    """What one has deleted, the other does not count on."""
    one, two = pair
    one.post(address(1), 100)
    two.wait()
    for number in range(2, 12):
        assert one.taken(address(number), 2) == two.taken(address(number), 2) == 2
    one.wait()
    assert one.taken(address(12)) == 1
    there = one.there()
    assert sum(there.values()) <= 100
    assert [there[address(number)] for number in range(2, 12)] == [4] * 10


def test_a_network_counts_as_64(database: str) -> None:
    """With all addresses of a network one gets no more than with 64."""
    one, two = ends(database, quota=130 * ONE)
    assert one.taken(address(1), 2) == 2
    for number, each in enumerate(NEIGHBOURS):
        one.wait()
        (one, two)[number % 2].taken(each, 2)
    there = one.there()
    assert there[address(1)] == 2
    assert sum(there.values()) == 130
    one.link.close()
    two.link.close()


def test_this_machine_never_yields(pair: Sequence[FrontEnd]) -> None:
    """What it leaves is taken as long as there are others who yield, and stays."""
    one, two = pair
    one.post(address(1), 100)
    assert two.taken(LOCAL, 120) == 100
    assert two.post(LOCAL) == {Full.SERVER.value: 1}
    assert one.there() == {LOCAL: 100}
    one.wait()
    assert one.taken(address(2)) == 0


def test_onion_users_have_half(pair: Sequence[FrontEnd]) -> None:
    """All who come through Tor yield to others until they have half."""
    one, two = pair
    assert one.taken(ONION, 100) == 100
    assert two.taken(address(1), 90) == 50
    assert two.there() == {ONION: 50, address(1): 50}
    one.wait()
    assert one.taken(ONION) == 0
    assert one.taken(address(2), 5) == 5
    assert two.there() == {ONION: 50, address(1): 45, address(2): 5}


def test_a_full_drop(small: Sequence[FrontEnd]) -> None:
    """In a drop the same rule holds, by either front end; others are not touched."""
    one, two = small
    assert one.taken(address(1), 10, OTHER) == 10
    assert one.post(address(1), 30) == {"stored": 20, Full.DROP.value: 10}
    assert two.post(address(1)) == {Full.DROP.value: 1}
    assert two.taken(address(2), 30, batch=4) == 10
    one.wait()
    assert one.taken(address(3), 30) == 6
    assert two.there(DROP) == {address(1): 7, address(2): 7, address(3): 6}
    assert two.there(OTHER) == {address(1): 10}


def test_the_newest_of_a_drop_go(small: Sequence[FrontEnd]) -> None:
    """What was there first stays."""
    one, _ = small
    bodies = [b"%d" % number for number in range(20)]
    one.appender.append([Post(DROP, body, address(1)) for body in bodies])
    one.appender.append([Post(OTHER, b"later", address(1))])
    one.taken(address(2), 3)
    left = one.ask("SELECT convert_from(body, 'UTF8') FROM message WHERE length(body) < 9")
    assert sorted(int(str(body)) for (body,) in left if body != "later") == list(range(17))


def test_a_batch_for_full_drops_and_others(small: Sequence[FrontEnd]) -> None:
    """Each message gets its own outcome, in the order in which they were given."""
    one, _ = small
    one.post(address(1), 20)
    posts = [
        Post(DROP, b"1", address(1)),
        Post(OTHER, b"2", address(1)),
        Post(DROP, b"3", address(2)),
        Post("c" * 43, b"4", address(1)),
        Post(DROP, b"5", LOCAL),
    ]
    for _ in range(2):
        outcomes = one.appender.append(posts)
        assert [kind(each) for each in outcomes] == [Full.DROP.value] + ["stored"] * 4
        stamps = dict(one.ask("SELECT stamp, body FROM message WHERE length(body) = 1"))
        for post, outcome in zip(posts[1:], outcomes[1:], strict=True):
            assert isinstance(outcome, int)
            assert stamps[outcome] == post.body


def test_what_is_gone_makes_room_in_a_drop(small: Sequence[FrontEnd]) -> None:
    """A drop that was full takes messages again when its messages are too old, or were deleted."""
    one, two = small
    one.post(address(1), 20)
    assert one.taken(address(1)) == two.taken(address(1)) == 0
    one.ask("DELETE FROM message")
    one.ask("DELETE FROM usage_change")
    one.wait()
    assert one.taken(address(1), 5) == two.taken(address(1), 5) == 5
    assert one.there() == {address(1): 10}


def test_a_lowered_drop_quota(small: Sequence[FrontEnd]) -> None:
    """A drop with more messages than it may have shrinks as others come."""
    one, two = small
    one.post(address(1), 18)
    for each in small:
        each.retention = evolve(each.retention, drop_quota=8)
    assert one.taken(address(1)) == 0
    assert two.taken(address(2), 2, batch=1) == 2
    assert two.there(DROP) == {address(1): 6, address(2): 2}


def test_a_lowered_quota(pair: Sequence[FrontEnd]) -> None:
    """The same on the whole: nothing fails, however much is to go."""
    one, two = pair
    one.post(address(1), 100)
    for each in pair:
        each.retention = evolve(each.retention, quota=20 * ONE)
    assert one.taken(address(1)) == 0
    for number in range(2, 8):
        assert two.taken(address(number), 2, batch=1) == 2
    assert sum(two.there().values()) == 20


@pytest.fixture
def failing(pair: Sequence[FrontEnd]) -> FrontEnd:
    """Return a front end that is full, and whose database does not take bodies of three bytes."""
    one, _ = pair
    one.post(address(1), 100)
    one.ask("ALTER TABLE message ADD CONSTRAINT three CHECK (length(body) <> 3) NOT VALID")
    return one


def test_nothing_goes_for_what_is_not_stored(failing: FrontEnd) -> None:
    """What is deleted for a message comes back when that fails, and so do the figures."""
    posts = [Post(DROP, body, address(2)) for body in (b"1", b"22", b"333")]
    with pytest.raises(DatabaseAway, match="CheckViolation"):
        failing.appender.append(posts)
    assert failing.there() == {address(1): 100}
    assert failing.taken(address(2), 2) == 2
    assert failing.room.shares.held == 100 * ONE
    assert failing.there() == {address(1): 98, address(2): 2}


def test_a_failure_in_a_full_drop(small: Sequence[FrontEnd]) -> None:
    """It says nothing of the messages in other drops; later on the figures are right."""
    one, _ = small
    one.post(address(1), 20)
    one.taken(address(2))
    one.ask("ALTER TABLE message ADD CONSTRAINT three CHECK (length(body) <> 3) NOT VALID")
    posts = [Post(DROP, b"333", address(3)), Post(OTHER, b"1", address(3))]
    assert [kind(each) for each in one.appender.append(posts)] == ["failed", "stored"]
    assert one.there(DROP) == {address(1): 19, address(2): 1}
    assert one.taken(address(3)) == 1
    assert one.there(DROP) == {address(1): 18, address(2): 1, address(3): 1}
    assert one.room.shares.held == 22 * ONE


def test_a_database_that_is_lost_meanwhile(pair: Sequence[FrontEnd]) -> None:
    """A connection that ends is made again for the next messages."""
    one, two = pair
    one.taken(address(1), 5)
    two.ask(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database()"
    )
    assert one.taken(address(1), 5) == 5
    assert one.there() == {address(1): 10}


def test_counting_that_takes_long_is_remembered(small: Sequence[FrontEnd]) -> None:
    """The sources of a large drop are not counted for each batch."""
    one, two = small
    one.post(address(1), 20)
    one.post(address(1))
    ticking = one.clock

    def slow() -> float:
        ticking.advance(0.5)
        return ticking.seconds()

    one.appender._elapsed = slow
    one.wait()
    one.post(address(1))
    one.appender._elapsed = ticking.seconds
    two.taken(address(2), 2)
    ticking.advance(20)
    one.post(address(1))
    assert held(one, address(2)) == 0
    ticking.advance(10)
    one.post(address(1))
    assert held(one, address(2)) == 2


def held(end: FrontEnd, source: Source) -> float:
    """Return what a front end knows that a source holds of the drop."""
    known = end.appender._full[Post(DROP, b"").place].shares
    return known.holding(source_of(end.appender._keys.number(source)))


def test_no_address_is_stored(pair: Sequence[FrontEnd]) -> None:
    """The database has numbers that say nothing of the address."""
    one, _ = pair
    one.taken(address(1))
    [(number,)] = one.ask("SELECT source FROM message")
    assert address(1) not in number.to_bytes(7)
    assert number >> 40 == TODAY


def test_no_messages_at_all(pair: Sequence[FrontEnd]) -> None:
    """Nothing to store is no failure."""
    assert pair[0].appender.append([]) == []
