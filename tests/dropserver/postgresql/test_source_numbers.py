"""Sources as numbers: what stays apart, what belongs together, and that nothing can be told."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.postgresql.source_numbers import (
    KEY_SIZE,
    number_of,
    number_source,
    source_of,
)
from qabel.host.http_server.sources import LOCAL, OLD, ONION, network_of

KEY, OTHER_KEY = bytes(KEY_SIZE), b"k" * KEY_SIZE

ipv4 = st.binary(min_size=4, max_size=4)
ipv6 = st.binary(min_size=7, max_size=7)
sources = st.one_of(ipv4, ipv6, st.just(b"socket"))
days = st.integers(0, 100_000)
keys = st.binary(min_size=KEY_SIZE, max_size=KEY_SIZE)


@given(sources, days, keys)
def test_a_number_stands_for_a_source(source: bytes, day: int, key: bytes) -> None:
    """A number fits the database, is no special one, and goes to a source and back."""
    number = number_source(source, day, key)
    assert 0 <= number < 2**56
    assert number == number_source(source, day, key)
    assert number_of(source_of(number)) == number


@given(sources, days, keys)
def test_networks_stay_networks(source: bytes, day: int, key: bytes) -> None:
    """Sources of one network stand for sources of one network."""
    stands_for = source_of(number_source(source, day, key))
    last = (source[-1] + 1) % 256
    neighbour = source_of(number_source(source[:-1] + bytes((last,)), day, key))
    is_one = network_of(source) == network_of(source[:-1] + bytes((last,)))
    assert (network_of(stands_for) == network_of(neighbour)) == is_one


def test_sources_of_a_network_stay_apart() -> None:
    """Nearly all of a full network have numbers of their own."""
    for network in (b"\xc0\x00\x02", b"\x20\x01\x0d\xb8\x00\x00"):
        numbers = {number_source(network + bytes((each,)), 20_000, KEY) for each in range(256)}
        assert len(numbers) >= 254


def test_networks_stay_apart() -> None:
    """Nearly all of a thousand networks do."""
    found = {
        network_of(source_of(number_source(bytes((10, each >> 8, each & 255, 1)), 20_000, KEY)))
        for each in range(1000)
    }
    assert len(found) >= 998


@given(sources)
def test_nothing_joins_two_days(source: bytes) -> None:
    """The day is in the number, so that they differ; with the keys all else does, too."""
    first, second = (number_source(source, day, KEY) for day in (20_000, 20_001))
    assert first != second
    assert number_source(source, 20_000, OTHER_KEY) & (2**40 - 1) != first & (2**40 - 1)


def test_days_follow_each_other() -> None:
    """Numbers of a later day are greater, until the days begin anew after 65536."""
    numbers = [number_source(b"\x0a\x00\x00\x01", day, KEY) for day in range(65_530, 65_540)]
    assert [earlier < later for earlier, later in pairwise(numbers)].count(False) == 1


def test_those_that_are_no_addresses() -> None:
    """Their numbers are the same on all days, and they come back as themselves."""
    for source in (LOCAL, ONION, OLD):
        numbers = {number_source(source, day, key) for day in (1, 2) for key in (KEY, OTHER_KEY)}
        [number] = numbers
        assert number < 0
        assert source_of(number) == source
        assert number_of(source) == number
