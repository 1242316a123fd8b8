"""Work around a damaged page."""

from collections.abc import Sequence

import pytest
from twisted.internet.defer import Deferred

from qabel.core.receiving.halves import in_halves
from qabel.deferreds import result_of
from qabel.store.database.errors import Corrupt, StoreFull


class Work:
    """Adds numbers up, unless one of them is bad."""

    def __init__(self, *bad: int) -> None:
        self.bad = set(bad)
        self.attempts = 0

    async def __call__(self, some: Sequence[int]) -> list[int]:
        """Return the numbers."""
        self.attempts += 1
        if not self.bad.isdisjoint(some):
            raise Corrupt("It is damaged.")
        return list(some)


def done(work: Work, count: int, **given: int) -> list[int]:
    """Return the numbers up to a count that were done, in their order."""
    parts = result_of(Deferred.fromCoroutine(in_halves(list(range(count)), work, **given)))
    return [number for part in parts for number in part]


@pytest.mark.parametrize("bad", [(), (0,), (255,), (77,), (3, 4, 200)])
def test_the_others_are_done(bad: tuple[int, ...]) -> None:
    """All but the bad ones are done, in order, with few attempts for each of those."""
    work = Work(*bad)
    assert done(work, 256) == [each for each in range(256) if each not in bad]
    assert work.attempts <= 1 + 16 * len(bad)


def test_it_gives_up() -> None:
    """Where everything fails, it is not tried for ever."""
    work = Work(*range(256))
    assert done(work, 256, failures=10) == []
    assert work.attempts == 10


def test_other_errors_end_it() -> None:
    """A full disk is not damage."""

    async def full(_: Sequence[int]) -> None:
        raise StoreFull("There is no space.")

    with pytest.raises(StoreFull):
        result_of(Deferred.fromCoroutine(in_halves([1, 2], full)))
