"""Whether a response can be gone on with by date if it breaks off.

A date says how far a response was read only if the server sorts messages by it and goes by it when
asked for later ones. Neither can be known for sure, so both are checked: the dates in a response
never decrease, and a response to a date begins with messages of that second again, the last one
that is known among them. A server of which that is not true is read from the start again.
"""

from collections.abc import Iterable

import msgspec
from attrs import define, field

from qabel.drop.dates import read_date
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message


class Point(msgspec.Struct, frozen=True):
    """How far a response was read, to go on from there."""

    date: int
    """Of the last message that came whole, in seconds since the epoch."""
    anchor: str | None = None
    """Its hash in hexadecimal digits; None if the response is gone on with after that message."""


def last_point(parts: Iterable[Part]) -> Point | None:
    """Return the point after some parts; None if no part tells one."""
    for part in reversed(list(parts)):
        date = read_date(part.date) if part.body else None
        if date is not None:
            return Point(date, hash_message(part.body).hex())
    return None


@define
class PartOrder:
    """Looks at the parts of a response, in their order.

    Args:
        point: where the response is to go on from; None if it begins somewhere else.

    """

    _point: Point | None
    first: int | None = field(default=None, init=False)
    """The date of the first part."""
    last: int | None = field(default=None, init=False)
    """The date of the last one."""
    is_sorted: bool = field(default=True, init=False)
    """Whether all parts have dates, which never decrease."""
    _is_found: bool = field(default=False, init=False)
    _text: str | None = field(default=None, init=False)
    _date: int | None = field(default=None, init=False)

    def look(self, parts: Iterable[Part]) -> None:
        """Look at the next parts."""
        for part in parts:
            if part.date != self._text or self._text is None:
                self._text, self._date = part.date, read_date(part.date)
            date = self._date
            if date is None or (self.last is not None and date < self.last):
                self.is_sorted = False
            if date is not None:
                self.first = date if self.first is None else self.first
                self.last = date
            self._look_for_anchor(part, date)

    @property
    def goes_on(self) -> bool:
        """Whether the response proved to go on from the point."""
        return self._point is None or self._point.anchor is None or self._is_found

    def is_further(self, point: Point | None) -> bool:
        """Return whether it saves something to go on from a point, and is safe."""
        if point is None or not self.is_sorted or not self.goes_on:
            return False
        start = self.first if self._point is None else self._point.date
        return start is not None and point.date > start

    def _look_for_anchor(self, part: Part, date: int | None) -> None:
        if self._is_found or self._point is None or date != self._point.date:
            return
        self._is_found = hash_message(part.body).hex() == self._point.anchor
