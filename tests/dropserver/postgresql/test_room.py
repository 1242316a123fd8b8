"""Room for messages of many front ends: the rule of the shares, and how often figures are read."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from qabel.dropserver.message_values import MESSAGE_LIMIT, MESSAGE_SIZE, Retention, charge
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.room import (
    FULL_INTERVAL,
    REFRESH_INTERVAL,
    SharedRoom,
    make_room,
)
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.dropserver.postgresql.source_numbers import number_source, source_of
from qabel.dropserver.shares import MOST_OF_NETWORK, Shares
from qabel.host.http_server.sources import LOCAL, OLD, ONION, Source

ONE = charge(MESSAGE_SIZE)

KEY = bytes(32)


def address(network: int, member: int = 1) -> Source:
    """Return an address as the database knows it."""
    packed = bytes((10, network >> 8, network & 0xFF, member))
    return source_of(number_source(packed, 20_000, KEY))


def room_for(messages: int) -> SharedRoom:
    """Return empty room for so many messages."""
    return SharedRoom(Retention(quota=messages * ONE))


def post(room: SharedRoom, source: Source, count: int = 1) -> "Counter[Source] | None":
    """Post until a message is refused; return what went for all, None if not all were taken."""
    gone: Counter[Source] = Counter()
    for _ in range(count):
        going = room.admit(source, MESSAGE_SIZE)
        if going is None:
            return None
        gone += going
    return gone


posters = st.sampled_from([*(address(each) for each in range(5)), LOCAL, ONION])


@given(st.lists(st.tuples(posters, st.integers(1, MESSAGE_LIMIT)), max_size=150))
def test_it_is_the_rule_of_the_shares(posts: list[tuple[Source, int]]) -> None:
    """Who yields is who yields by the shares; and what is held never exceeds the room."""
    room, shares = room_for(20), Shares(20 * ONE)
    for source, size in posts:
        held, cost = shares.held, charge(size)
        expected: Counter[Source] = Counter()
        while (yielding := shares.yields(source, cost)) not in (None, source):
            assert yielding is not None
            expected[yielding] += 1
            shares.add(yielding, -ONE)
        going = room.admit(source, size)
        if yielding == source:
            assert going is None
            break
        assert going == expected
        assert LOCAL not in going
        assert bool(going) == (held + cost > 20 * ONE)
        shares.add(source, cost)
        assert room.shares.held == shares.held <= 20 * ONE


@given(st.lists(st.tuples(posters, st.integers(1, MESSAGE_LIMIT)), max_size=150))
def test_who_has_to_wait_changes_nothing(posts: list[tuple[Source, int]]) -> None:
    """A message that is not taken leaves all as it was, also if others would have gone for it."""
    room = room_for(20)
    for source, size in posts:
        before = {each: room.shares.holding(each) for each, _ in posts}
        if room.admit(source, size) is None:
            assert {each: room.shares.holding(each) for each, _ in posts} == before


@given(st.lists(st.integers(0, 7), max_size=400))
def test_nothing_goes_below_a_share(order: list[int]) -> None:
    """Of eight sources, none loses a message while it holds no more than an eighth."""
    room = room_for(64)
    for number in order:
        going = post(room, address(number))
        for source in going or ():
            assert room.shares.holding(source) + ONE > 64 * ONE / 8


def test_addresses_of_one_network() -> None:
    """However many somebody has in a network, they count as 64."""
    room = room_for(1300)
    honest = 1300 // (MOST_OF_NETWORK + 1)
    assert post(room, address(1), honest) == Counter()
    for member in range(200):
        post(room, address(2, member), 20)
    for member in range(200):
        room.admit(address(2, member), MESSAGE_SIZE)
    assert room.shares.holding(address(1)) == honest * ONE


def test_this_machine_and_onion_users() -> None:
    """What this machine leaves never goes, and onion users together have half of the room."""
    room = room_for(40)
    post(room, ONION, 100)
    assert room.shares.holding(ONION) == 40 * ONE
    assert post(room, address(1), 25) is None
    assert room.shares.holding(ONION) == 20 * ONE
    assert post(room, LOCAL, 15) == Counter({address(1): 15})
    assert room.shares.holding(ONION) == 20 * ONE
    assert post(room, address(2), 40) is None
    assert room.shares.holding(LOCAL) == 15 * ONE


def test_a_quota_that_was_lowered() -> None:
    """With each message there is a little more room, and the heaviest has to wait."""
    shares = Shares(100)
    shares.add(address(1), 160)
    shares.add(address(2), 80)
    assert make_room(shares, address(1), 1, 1) is None
    assert shares.held == 240
    for number in range(3, 33):
        held = shares.held
        going = make_room(shares, address(number), 1, 1)
        assert going is not None
        assert going.total() == min(8, held - 99)
        shares.add(address(number), 1)
    assert shares.held == 100


def test_a_source_that_has_less_than_was_thought() -> None:
    """When fewer of its messages went than should, nothing more is expected of it."""
    room = room_for(10)
    post(room, address(1), 10)
    assert post(room, address(2), 3) == Counter({address(1): 3})
    room.correct(address(1), 3, 3)
    assert room.shares.holding(address(1)) == 7 * ONE
    room.correct(address(1), 3, 1)
    assert room.shares.holding(address(1)) == 0


@pytest.fixture
def link(database: str) -> Iterator[DatabaseLink]:
    """Return a link to a database with tables."""
    made = DatabaseLink(database, bring_up_to_date)
    yield made
    made.close()


def hold(link: DatabaseLink, *held: tuple[int, int]) -> None:
    """Add to the sums: for sources, by their numbers, how many messages."""
    with link.use() as connection:
        for number, messages in held:
            connection.execute(
                "INSERT INTO usage_change VALUES (20000, %s, %s, %s)",
                (number, messages, messages * ONE),
            )


def refresh(room: SharedRoom, link: DatabaseLink, messages: int = 1) -> float:
    """Have the figures read if they must be; return how many messages are held by them."""
    with link.use() as connection:
        room.refresh(connection, messages * ONE)
    return room.shares.held / ONE


def test_figures_are_read_from_time_to_time(link: DatabaseLink) -> None:
    """While there is much room, only the sum is read, and seldom."""
    clock = Clock()
    room = SharedRoom(Retention(quota=100 * ONE), now=clock.seconds)
    hold(link, (1, 10), (2, 5))
    assert refresh(room, link) == 15
    assert room.shares.holding(OLD) == 15 * ONE
    post(room, address(1), 3)
    hold(link, (2, 5))
    clock.advance(REFRESH_INTERVAL - 0.1)
    assert refresh(room, link) == 18
    clock.advance(0.1)
    assert refresh(room, link) == 20
    hold(link, (2, 5))
    room.set_retention(room.retention)
    assert refresh(room, link) == 20
    room.set_retention(Retention(quota=200 * ONE))
    assert refresh(room, link) == 25


def test_with_little_room_each_source_counts(link: DatabaseLink) -> None:
    """Then what each holds is read, and often."""
    clock = Clock()
    room = SharedRoom(Retention(quota=100 * ONE), now=clock.seconds)
    hold(link, (1, 50), (2, 31), (-1, 5), (3, 2), (3, -3))
    assert refresh(room, link) == 86
    assert room.shares.holding(source_of(1)) == 50 * ONE
    assert room.shares.holding(LOCAL) == 5 * ONE
    assert room.shares.holding(OLD) == 0
    hold(link, (1, -50))
    clock.advance(FULL_INTERVAL)
    assert refresh(room, link) == 35
    assert room.shares.holding(OLD) == 35 * ONE


def test_when_it_gets_full_sources_are_read_at_once(link: DatabaseLink) -> None:
    """Before anything goes it is known who holds what, also if the quota is a small one."""
    clock = Clock()
    room = SharedRoom(Retention(quota=100 * ONE), now=clock.seconds)
    hold(link, (1, 50), (2, 25))
    assert refresh(room, link, messages=25) == 75
    assert room.shares.holding(OLD) == 75 * ONE
    assert refresh(room, link, messages=26) == 75
    assert room.shares.holding(OLD) == 0
    room = SharedRoom(Retention(quota=100 * ONE), now=clock.seconds)
    refresh(room, link, messages=26)
    assert post(room, address(3), 26) == Counter({source_of(1): 1})


def test_a_reading_that_takes_long(link: DatabaseLink) -> None:
    """It is done more seldom: posts wait for it."""
    clock = Clock()

    def now() -> float:
        clock.advance(1)
        return clock.seconds()

    room = SharedRoom(Retention(quota=100 * ONE), now=now)
    refresh(room, link)
    hold(link, (1, 1))
    asked = 0
    while refresh(room, link) == 0:
        asked += 1
    assert asked == 19
