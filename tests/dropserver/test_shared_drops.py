"""What a drop may have that people share by chance."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.dropserver.shared_drops import limit_of_drop

BITS = st.sampled_from(DROP_ID_BITS_OFFERED)
AMOUNTS = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("bits", "limit"), [(256, 100_000), (24, 100_104), (20, 101_675), (12, 528_881)]
)
def test_the_fewer_bits_the_more(bits: int, limit: int) -> None:
    """Of a terabyte, a drop may have four times its part, and what one has that nobody shares."""
    assert limit_of_drop(100_000, 439_174_352, bits) == limit


@given(AMOUNTS, AMOUNTS, BITS)
def test_it_is_never_less_than_alone(alone: int, whole: int, bits: int) -> None:
    """Sharing takes nothing away; without it, nothing is added."""
    limit = limit_of_drop(alone, whole, bits)
    assert alone <= limit <= alone + 4 * whole
    assert bits != 256 or limit == alone


@given(AMOUNTS, AMOUNTS)
def test_all_drops_together_have_room_for_the_whole(alone: int, whole: int) -> None:
    """However the whole is spread by chance, it is not their limits that leave some of it empty."""
    for bits in DROP_ID_BITS_OFFERED:
        assert limit_of_drop(alone, whole, bits) * 2**bits >= whole - 2**bits


def test_chance_alone_fills_no_drop() -> None:
    """10,000 listeners that are spread by chance all find a place, in drops of 12 bits."""
    rng, counts = Random(5), [0] * 2**12  # noqa: S311 - it is to be repeatable
    for _ in range(10_000):
        counts[rng.randrange(2**12)] += 1
    assert max(counts) < limit_of_drop(10, 10_000, 12) == 19
