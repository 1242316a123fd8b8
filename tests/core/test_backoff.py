"""Backoff: waits double up to a limit, with jitter, and a success ends them."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.core.backoff import MAX_BACKOFF, Attempts, backoff

FAILURES = st.integers(0, 10**9)
SECONDS = st.floats(0.01, 1000.0)
DRAWS = st.floats(0.0, 1.0, exclude_max=True)


def test_waits_double_up_to_the_limit() -> None:
    """Each failure doubles the wait, until it is as long as it may be."""
    waits = [backoff(n, base=2, longest=16, draw=lambda: 0.0) for n in range(5)]
    assert waits == [1, 2, 4, 8, 8]


def test_failures_are_counted_for_weeks() -> None:
    """However many failures there were, the result is a number within the limit."""
    assert backoff(10**9, base=5, draw=lambda: 1.0) == MAX_BACKOFF


@given(failures=FAILURES, base=SECONDS, longest=SECONDS, draw=DRAWS)
def test_jitter_takes_at_most_half(failures: int, base: float, longest: float, draw: float) -> None:
    """The wait lies between half and the whole of what it would be without jitter."""
    whole = min(longest, base * 2.0 ** min(failures, 40))
    assert whole / 2 <= backoff(failures, base=base, longest=longest, draw=lambda: draw) <= whole


@given(failures=FAILURES, base=SECONDS, draw=DRAWS)
def test_more_failures_never_wait_less(failures: int, base: float, draw: float) -> None:
    """With the same jitter, one more failure does not shorten the wait."""
    less, more = (backoff(n, base=base, draw=lambda: draw) for n in (failures, failures + 1))
    assert less <= more


def test_waits_differ() -> None:
    """By default the jitter is random: those who failed together do not come back together."""
    assert len({backoff(3, base=2.0) for _ in range(10)}) > 1


def test_a_failure_postpones_the_next_attempt() -> None:
    """A failure is counted, and the next attempt is due after the delay."""
    attempts = Attempts()
    attempts.failed(100.0, "no answer", 50.0)
    attempts.failed(160.0, "refused", 100.0)
    assert (attempts.failures, attempts.not_before) == (2, 260.0)
    assert (attempts.last_failure, attempts.last_error) == (160.0, "refused")
    assert attempts.last_success is None


def test_a_success_ends_the_failures() -> None:
    """After a success the next attempt is due at once; when the last failure was stays known."""
    attempts = Attempts()
    attempts.failed(100.0, "no answer", 50.0)
    attempts.succeeded(160.0)
    assert (attempts.failures, attempts.not_before, attempts.last_error) == (0, 0.0, None)
    assert (attempts.last_success, attempts.last_failure) == (160.0, 100.0)
