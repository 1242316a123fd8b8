"""How many rows are changed at once."""

import pytest

from qabel.store.pace import FIRST, MOST, TARGET, Pace


def taking(seconds: float, *, rounds: int) -> list[int]:
    """Return the sizes of transactions of which each row takes so many seconds."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    sizes = []
    for _ in range(rounds):
        with pace.measured() as size:
            now[0] += size * seconds
        sizes.append(size)
    return sizes


def test_slow_rows() -> None:
    """Where rows take long, there are as many as fit, and one at least."""
    assert taking(TARGET / 10, rounds=3) == pytest.approx([FIRST, 10, 10], abs=1)
    assert taking(100 * TARGET, rounds=3) == [FIRST, 1, 1]


def test_fast_rows() -> None:
    """Where they are fast, there are more step by step, up to a limit."""
    sizes = taking(0, rounds=8)
    assert sizes[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert sizes[-1] == MOST
