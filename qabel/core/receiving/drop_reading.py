"""The progress of one response: what was found in it, and how far it was read."""

from attrs import define, field

from qabel.core.errors import StoreError
from qabel.core.receiving.drop_progress import Stretch
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.receiving.part_order import PartOrder, Point
from qabel.drop.dates import read_date
from qabel.drop.multipart import Part
from qabel.net.drop_cursor import date_cursor, hour_cursor
from qabel.net.exchange_limits import Allowance
from qabel.store.inbox.refused import Refused

HOUR = 3600

GIVE_UP_AFTER = 3
"""How often a response may break off at the same second before that second is skipped."""


@define(eq=False)
class DropReading:
    """A response that is being read.

    Args:
        drop: what is read.
        full: whether it is a full reading.
        allowance: the bytes that it may take.
        began: when it began, in seconds since the epoch.

    """

    drop: OwnedDrop
    full: bool
    allowance: Allowance
    began: int
    asked: int = field(init=False)
    """How often a full reading had been asked for when this one began."""
    order: PartOrder = field(init=False)
    was_resumed: bool = field(init=False)
    cursor: str | None = field(init=False)
    """The cursor of the drop when the response was requested."""
    foreign: list[bytes] = field(factory=list, init=False)
    """Hashes that are not stored yet; if they are lost, their messages are opened again."""
    refused: list[Refused] = field(factory=list, init=False)
    """The same of messages that are not to be kept at present."""
    dates: list[str] = field(factory=list, init=False)
    point: Point | None = field(default=None, init=False)
    """How far the response was processed."""
    damage: StoreError | None = field(default=None, init=False)
    """Why some of it could not be stored: then the next response is to begin where this one did."""
    gained: bool = field(default=False, init=False)
    """Whether the next response can go on further on than this one."""
    _noted: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.asked = self.drop.asked
        self.cursor = self.drop.cursor
        if self.drop.is_shared:
            self.stretch.point = None
        self.order = PartOrder(self.stretch.point)
        self.was_resumed = self.stretch.point is not None

    @property
    def stretch(self) -> Stretch:
        """What is stored of this response and those that it continues."""
        return self.drop.progress.full if self.full else self.drop.progress.news

    @property
    def since(self) -> str | None:
        """What to ask the server for.

        Of a shared drop, this is all that may tell one of its readers from another. So it is the
        time of the daemon: what comes from the server could be a mark for each reader.
        """
        if self.drop.is_shared:
            whole = self.drop.progress.whole
            is_first = self.full or self.cursor is None or whole is None
            return None if is_first else hour_cursor(min(whole or 0, self.began))
        point = self.stretch.point
        if point is not None and (cursor := date_cursor(point.date)) is not None:
            return cursor
        return None if self.full else self.drop.cursor

    @property
    def place(self) -> tuple[Point | None, Point | None, bool]:
        """How far the response was processed, and where the next one can go on."""
        return self.point, self.stretch.point, self.gained

    @place.setter
    def place(self, place: tuple[Point | None, Point | None, bool]) -> None:
        self.point, self.stretch.point, self.gained = place

    @property
    def is_current(self) -> bool:
        """Whether no full reading was asked for since this one began."""
        return self.asked == self.drop.asked

    def note_traffic(self) -> None:
        """Count the bytes that arrived since the last call."""
        used, self._noted = self.allowance.used - self._noted, self.allowance.used
        self.drop.traffic.note(used, full=self.full)

    def note_found(self, part: Part) -> None:
        """Note a new message: one that is not newer than the last one was skipped by the cursor."""
        if not self.full or self.cursor is None:
            return
        date, modified = read_date(part.date), self.drop.progress.modified
        if date is None or modified is None or date <= modified:
            self.stretch.found += 1

    def advance(self, point: Point | None) -> bool:
        """Note how far the response was stored; return whether the next one can go on there."""
        if self.damage is not None:
            return False
        self.point = point or self.point
        stretch = self.stretch
        if self.drop.is_shared:
            return False
        if self.gained and not self.order.is_sorted:
            # The dates went back after all: where to go on is not known.
            stretch.point, stretch.by_date, self.gained = None, False, False
        if not stretch.by_date or not self.is_current or not self.order.is_further(self.point):
            return False
        stretch.point, self.gained = self.point, True
        return True

    def note_whole(self) -> bool:
        """Note that the response came to its end; return whether that is worth storing."""
        before, self.drop.progress.whole = self.drop.progress.whole, self.began
        return self.drop.is_shared and (before is None or before // HOUR != self.began // HOUR)

    def broke_off(self, *, too_large: bool) -> bool:
        """Note that the response broke off; return whether the next one goes on further on.

        Args:
            too_large: whether it was larger than it was allowed to be.

        """
        self.advance(None)
        stretch = self.stretch
        if self.gained:
            stretch.doublings = stretch.failures = 0
        elif self.order.first is not None and too_large:
            stretch.doublings += 1
        elif self.order.first is not None:
            stretch.failures += 1
            by_date = self.order.is_sorted and stretch.by_date and not self.drop.is_shared
            if stretch.failures >= GIVE_UP_AFTER and by_date:
                self._skip_second()
        return self.gained

    def _skip_second(self) -> None:
        """Go on after a second that holds more than the server ever sends at once."""
        stretch = self.stretch
        dates = [self.order.last or 0, stretch.point.date if stretch.point is not None else 0]
        stretch.point = Point(max(dates) + 1)
        stretch.has_gap, stretch.failures = True, 0
