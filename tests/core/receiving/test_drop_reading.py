"""The progress of one response."""

from typing import Any

import pytest
from twisted.internet.task import Clock

from qabel.core.receiving.drop_progress import DropProgress
from qabel.core.receiving.drop_reading import GIVE_UP_AFTER, DropReading
from qabel.core.receiving.drop_traffic import DropTraffic
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.receiving.part_order import Point, last_point
from qabel.drop.dates import http_date
from qabel.drop.multipart import Part
from qabel.drop.transport import Opener
from qabel.net.drop_cursor import date_cursor
from qabel.net.exchange_limits import Allowance
from qabel.store.inbox.seen import Drop


@pytest.fixture
def drop() -> OwnedDrop:
    """Return a drop with a cursor."""
    return OwnedDrop(Drop("x", "me"), Opener([]), "7", 0.0, DropTraffic(Clock(), 10**6))


def read(drop: OwnedDrop, *dates: int, **given: Any) -> DropReading:
    """Read messages of such dates."""
    reading = DropReading(drop, given.pop("full", True), Allowance(10**6), given.pop("began", 0))
    parts = [Part(b"%d" % date, http_date(date)) for date in dates]
    reading.order.look(parts)
    reading.advance(last_point(parts))
    return reading


def test_what_is_asked_for(drop: OwnedDrop) -> None:
    """Everything, what is newer than the cursor, or what came from a second on."""
    assert read(drop).since is None
    assert read(drop, full=False).since == "7"
    drop.progress = DropProgress()
    assert read(drop, 5, 6, full=False).broke_off(too_large=True)
    assert read(drop, full=False).since == date_cursor(6)
    assert read(drop).since is None


def test_a_point_that_turns_out_wrong(drop: OwnedDrop) -> None:
    """When dates go back after all, the response is not gone on with by date."""
    reading = read(drop, 5, 6)
    assert reading.gained
    reading.order.look([Part(b"x", http_date(1))])
    assert not reading.broke_off(too_large=False)
    assert (drop.progress.full.point, drop.progress.full.by_date) == (None, False)


def test_a_reading_that_is_out_of_date(drop: OwnedDrop) -> None:
    """If another one was asked for meanwhile, it begins at the start."""
    reading = DropReading(drop, True, Allowance(10), 0)
    drop.asked += 1
    reading.order.look([Part(b"x", http_date(1)), Part(b"y", http_date(2))])
    assert not reading.advance(Point(2, "00"))


def test_without_progress(drop: OwnedDrop) -> None:
    """What is too large is allowed more; what tears again and again is gone past."""
    read(drop, 5, 5).broke_off(too_large=True)
    assert drop.progress.full.doublings == 1
    for _ in range(GIVE_UP_AFTER):
        assert drop.progress.full.point is None
        read(drop, 5, 5).broke_off(too_large=False)
    assert drop.progress.full.point == Point(6)
    assert drop.progress.full.has_gap


def test_a_server_that_sends_nothing_is_not_gone_past(drop: OwnedDrop) -> None:
    """Only parts that came tell that something cannot be read."""
    for _ in range(9):
        read(drop).broke_off(too_large=False)
    assert drop.progress.full.failures == 0


def test_traffic_is_counted_once(drop: OwnedDrop) -> None:
    """Each byte is counted when it is noted first."""
    reading = read(drop)
    for used in (100, 0, 50):
        reading.allowance.note(used)
        reading.note_traffic()
    assert [size for _, size, _ in drop.traffic.entries()] == [150]


def test_what_a_full_reading_finds(drop: OwnedDrop) -> None:
    """A new message counts if it is not newer than what the cursor has shown."""
    drop.progress.modified = 100
    reading = read(drop)
    for date in (99, 100, 101):
        reading.note_found(Part(b"x", http_date(date)))
    reading.note_found(Part(b"x", None))
    assert drop.progress.full.found == 3
