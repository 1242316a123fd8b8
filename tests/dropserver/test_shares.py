"""Shares: whose message goes when there is no room, and whose never does."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.dropserver.shares import MOST_OF_NETWORK, Shares
from qabel.host.http_server.sources import LOCAL, OLD, ONION, Source

ROOM = 1000


def source(address: str) -> Source:
    """Return the source that an address is."""
    packed = ipaddress.ip_address(address).packed
    return packed if len(packed) == 4 else packed[:7]


def post(shares: Shares, poster: Source, count: int = 1) -> int:
    """Post messages of size 1 until one is refused; return how many were taken."""
    for done in range(count):
        yielding = shares.yields(poster, 1)
        if yielding == poster:
            return done
        if yielding is not None:
            shares.add(yielding, -1)
        shares.add(poster, 1)
    return count


ALICE, BOB = source("192.0.2.1"), source("198.51.100.1")
FLOOD = [source(f"127.1.{number}.1") for number in range(MOST_OF_NETWORK)]


def test_while_there_is_room_everything_is_taken() -> None:
    """One source may have all, if nobody else wants any."""
    shares = Shares(ROOM)
    assert post(shares, ALICE, 2 * ROOM) == ROOM
    assert shares.yields(ALICE, 1) == ALICE
    assert shares.yields(BOB, 1) == ALICE


def test_two_share_evenly() -> None:
    """The second one gets half of what the first one has, and then has to wait like it."""
    shares = Shares(ROOM)
    post(shares, ALICE, ROOM)
    assert post(shares, BOB, ROOM) == ROOM // 2
    assert (shares.holding(ALICE), shares.holding(BOB)) == (ROOM // 2, ROOM // 2)
    assert post(shares, ALICE) == post(shares, BOB) == 0


@pytest.mark.parametrize("is_in_turn", [True, False])
def test_many_floods_take_nothing_from_a_light_source(is_in_turn: bool) -> None:
    """64 of them leave a source its share, whether they come together or one after another."""
    shares = Shares(ROOM)
    honest = ROOM // (MOST_OF_NETWORK + 1)
    assert post(shares, ALICE, honest) == honest
    for _ in range(1 if is_in_turn else ROOM):
        for each in FLOOD:
            post(shares, each, ROOM if is_in_turn else 1)
    assert shares.holding(ALICE) == honest
    assert shares.held == ROOM
    assert post(shares, BOB, ROOM) >= ROOM // (MOST_OF_NETWORK + 2)


@pytest.mark.parametrize("network", ["203.0.113.{}", "2001:db8:0:{:x}00::1"])
def test_a_network_counts_as_64(network: str) -> None:
    """However many addresses of one network flood, a source elsewhere has its 65th."""
    shares = Shares(ROOM)
    for number in range(1, 255):
        post(shares, source(network.format(number)), ROOM)
    assert post(shares, ALICE, ROOM) >= ROOM // (MOST_OF_NETWORK + 1)


def test_within_a_network_the_heaviest_goes() -> None:
    """The neighbours of a flood keep what they have."""
    shares = Shares(ROOM)
    neighbour, flood = source("203.0.113.1"), source("203.0.113.2")
    post(shares, neighbour, 10)
    post(shares, flood, ROOM)
    assert post(shares, neighbour, 10) == 10
    assert post(shares, BOB, ROOM) > 0
    assert shares.holding(neighbour) == 20


@pytest.mark.parametrize("wide", [OLD, ONION])
def test_who_stand_for_many_have_half(wide: Source) -> None:
    """They lose what they hold above half, and nothing of the rest."""
    shares = Shares(ROOM)
    shares.add(wide, ROOM)
    assert post(shares, ALICE, ROOM) == ROOM // 2
    for each in FLOOD:
        post(shares, each, ROOM)
    assert shares.holding(wide) == ROOM // 2
    assert post(shares, ONION) == (1 if wide == OLD else 0)


def test_both_that_stand_for_many_have_a_third() -> None:
    """After a restart, who come through Tor have room beside what is older."""
    shares = Shares(ROOM)
    shares.add(OLD, ROOM)
    assert post(shares, ONION, ROOM) == ROOM // 2
    assert post(shares, ALICE, ROOM) in (ROOM // 3, ROOM // 3 + 1)
    assert post(shares, ONION) == 0


def test_this_machine_never_yields() -> None:
    """What it leaves stays, and it waits only if there is nothing else."""
    shares = Shares(ROOM)
    post(shares, LOCAL, ROOM // 2)
    post(shares, ALICE, ROOM)
    assert post(shares, LOCAL, ROOM) == ROOM // 2
    assert shares.holding(LOCAL) == ROOM
    assert post(shares, LOCAL) == post(shares, BOB) == 0


def test_what_is_gone_is_forgotten() -> None:
    """Sources without messages are not kept, and nobody holds less than nothing."""
    shares = Shares(ROOM)
    for each in (ALICE, BOB, OLD, ONION, LOCAL):
        shares.add(each, 3)
        shares.add(each, -5)
    assert (shares.held, shares.heaviest(9)) == (0, [])
    assert not shares._networks
    assert not shares._wide


SOME = [source(f"192.0.2.{n}") for n in range(3)] + [source(f"203.{n}.113.7") for n in range(3)]


@settings(max_examples=300)
@given(
    posts=st.lists(st.tuples(st.sampled_from(SOME), st.integers(1, 60)), max_size=40),
    sizes=st.lists(st.integers(3, 5), min_size=1, max_size=3),
    expiring=st.lists(st.sampled_from(SOME), max_size=3),
)
def test_the_promise(
    posts: list[tuple[Source, int]], sizes: list[int], expiring: list[Source]
) -> None:
    """Nothing of a source below its share goes, and it never has to wait."""
    room = 100
    shares = Shares(room)
    held: dict[Source, list[int]] = {each: [] for each in SOME}
    for turn, (poster, count) in enumerate(posts):
        for _ in range(count):
            size = sizes[turn % len(sizes)]
            while (yielding := shares.yields(poster, size)) not in (None, poster):
                assert yielding is not None
                gone = held[yielding].pop()
                known = sum(1 for each in held.values() if each) + (not held[poster])
                assert sum(held[yielding]) + gone > room / known
                shares.add(yielding, -gone)
            if yielding == poster:
                known = sum(1 for each in held.values() if each) + (not held[poster])
                assert sum(held[poster]) + size > room / known
                break
            held[poster].append(size)
            shares.add(poster, size)
            assert shares.held == sum(map(sum, held.values())) <= room
        for each in expiring:
            if held[each]:
                shares.add(each, -held[each].pop(0))
    for each, messages in held.items():
        assert shares.holding(each) == sum(messages)
