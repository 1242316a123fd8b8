"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from qabel.host.token_bucket import TokenBucket


def test_burst_and_rate() -> None:
    """After a quiet time a burst is allowed, then what the rate brings."""
    clock = Clock()
    bucket = TokenBucket(clock, 2.0, 5)
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    assert bucket.wait() == 0.5
    clock.advance(0.25)
    assert not bucket.take()
    assert bucket.wait() == 0.25
    clock.advance(0.25)
    assert bucket.take()
    clock.advance(1000)
    assert bucket.wait() == 0
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]


def test_several_at_once() -> None:
    """Several tokens are taken together or not at all."""
    bucket = TokenBucket(Clock(), 1.0, 5)
    assert not bucket.take(6)
    assert bucket.take(3)
    assert not bucket.take(3)
    assert bucket.take(2)


@given(st.lists(st.tuples(st.integers(0, 16), st.integers(1, 4)), max_size=50))
def test_no_more_than_rate_and_burst(steps: list[tuple[int, int]]) -> None:
    """However the calls are spread, no more is allowed than the burst and the rate together."""
    clock = Clock()
    bucket = TokenBucket(clock, 2.0, 5)
    taken = 0
    for eighths, count in steps:
        clock.advance(eighths / 8)
        taken += count if bucket.take(count) else 0
        assert taken <= 5 + 2 * clock.seconds()


@given(st.floats(0.01, 1000), st.floats(0, 1000))
def test_waiting_is_enough(rate: float, start: float) -> None:
    """After the seconds that ``wait`` returns there is a token, in spite of rounding."""
    clock = Clock()
    clock.advance(start)
    bucket = TokenBucket(clock, rate, 1)
    assert bucket.take()
    clock.advance(bucket.wait())
    assert bucket.take()
