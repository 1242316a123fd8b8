"""Whether a response can be gone on with by date."""

import pytest

from qabel.core.receiving.part_order import PartOrder, Point, last_point
from qabel.drop.dates import http_date
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message


def parts(*dates: int | None) -> list[Part]:
    """Return parts with dates; each message is its number."""
    return [
        Part(b"%d" % number, None if date is None else http_date(date))
        for number, date in enumerate(dates)
    ]


def order(point: Point | None, *dates: int | None) -> PartOrder:
    """Return what was seen of a response."""
    made = PartOrder(point)
    made.look(parts(*dates))
    return made


def test_the_last_point() -> None:
    """It is after the last part that has a body and a date."""
    assert last_point([]) is None
    assert last_point(parts(None)) is None
    some = [*parts(5, 6), Part(b"", http_date(7)), Part(b"x", "rubbish")]
    assert last_point(some) == Point(6, hash_message(b"1").hex())


@pytest.mark.parametrize("dates", [(1, 2, 2, 3), (2, 2), ()])
def test_sorted(dates: tuple[int, ...]) -> None:
    """Dates that do not decrease are in order."""
    assert order(None, *dates).is_sorted


@pytest.mark.parametrize("dates", [(1, 2, 1), (1, None, 2), (None,), (3, 2)])
def test_not_sorted(dates: tuple[int | None, ...]) -> None:
    """A date that decreases, or is missing, tells that the order is not by date."""
    found = order(None, *dates)
    assert not found.is_sorted
    assert not found.is_further(Point(99, "00"))


def test_it_goes_on_only_if_that_saves_something() -> None:
    """All messages of a second are requested again, so the point has to be in a later one."""
    assert not order(None, 5, 5).is_further(Point(5, "00"))
    assert order(None, 5, 6).is_further(Point(6, "00"))
    assert not order(None, 5, 6).is_further(None)


def test_a_response_proves_that_it_goes_on() -> None:
    """The last message that is known is in it again, with its date; a response without is none."""
    point = Point(5, hash_message(b"1").hex())
    assert order(point, 5, 5, 6).goes_on
    assert order(point, 4, 5, 6).goes_on
    assert not order(point, 6, 6).goes_on
    assert not order(point).goes_on
    assert not order(point, 7, 8).is_further(Point(8, "00"))
    assert order(Point(5), 7, 8).is_further(Point(8, "00"))
