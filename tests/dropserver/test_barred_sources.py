"""Who may not listen for a while: by source, for a minute, and never where many share one."""

import pytest
from twisted.internet.task import Clock

from qabel.dropserver.barred_sources import PERIOD, BarredSources
from qabel.host.http_server.sources import LOCAL, ONION, SHARED

ONE, OTHER = b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"


def test_for_a_while() -> None:
    """One that was barred waits, again and again if it does not learn; others do not."""
    clock = Clock()
    barred = BarredSources(clock)
    assert barred.wait(ONE) == 0
    barred.bar(ONE)
    assert (barred.wait(ONE), barred.wait(OTHER)) == (PERIOD, 0)
    clock.advance(PERIOD / 2)
    assert barred.wait(ONE) == PERIOD / 2
    barred.bar(ONE)
    clock.advance(PERIOD - 1)
    assert barred.wait(ONE) == 1
    clock.advance(1)
    assert barred.wait(ONE) == 0
    assert len(barred._until) == 0


@pytest.mark.parametrize("source", sorted(SHARED))
def test_where_many_share_one(source: bytes) -> None:
    """Nobody is barred for what somebody else did."""
    assert {LOCAL, ONION} < SHARED
    barred = BarredSources(Clock())
    barred.bar(source)
    assert barred.wait(source) == 0


def test_memory_is_bounded() -> None:
    """Those that were barred first are forgotten first."""
    barred = BarredSources(Clock(), 2)
    sources = [bytes((number, 0, 0, 0)) for number in range(3)]
    for each in sources:
        barred.bar(each)
    assert [barred.wait(each) > 0 for each in sources] == [False, True, True]
