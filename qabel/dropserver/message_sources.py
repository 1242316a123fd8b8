"""Which source left which message: in memory only, in 12 bytes for each message."""

from array import array
from bisect import bisect_left, bisect_right
from itertools import compress, count

from attrs import define, field

from qabel.host.http_server.sources import OLD, Source

_GONE = 0
"""Stands for the source of a message that was deleted."""

_COMPACT_FROM = 4096
"""Deleted messages that are always borne."""


@define(eq=False)
class MessageSources:
    """Knows the source of each message, by its stamp. Of what is not known, the source is OLD."""

    _stamps: "array[int]" = field(factory=lambda: array("q"), init=False)
    """In rising order."""
    _numbers: "array[int]" = field(factory=lambda: array("I"), init=False)
    """For each stamp, the number of its source."""
    _gone: int = field(default=0, init=False)
    """How many of these were deleted."""
    _number_of: dict[Source, int] = field(factory=dict, init=False)
    _sources: dict[int, Source] = field(factory=dict, init=False)
    _counts: dict[int, int] = field(factory=dict, init=False)
    """How many messages there are of each source, by number."""
    _newest: dict[int, int] = field(factory=dict, init=False)
    """For each source, a place behind which it has no messages."""
    _free: "count[int]" = field(factory=lambda: count(1), init=False)

    def __len__(self) -> int:
        """Return of how many messages the source is known."""
        return len(self._stamps) - self._gone

    def add(self, stamp: int, source: Source) -> None:
        """Note the source of a message; its stamp is higher than all before."""
        # Those of a transaction that was undone.
        while self._stamps and self._stamps[-1] >= stamp:
            self._stamps.pop()
            self._numbers.pop()
            self._gone -= 1
        number = self._number(source)
        self._newest[number] = len(self._stamps)
        self._stamps.append(stamp)
        self._numbers.append(number)
        self._counts[number] = self._counts.get(number, 0) + 1

    def of(self, stamp: int) -> Source:
        """Return the source of a message."""
        place = self._place(stamp)
        return OLD if place is None else self._sources[self._numbers[place]]

    def remove(self, stamp: int) -> None:
        """Forget a message that was deleted."""
        place = self._place(stamp)
        if place is None:
            return
        number = self._numbers[place]
        self._numbers[place] = _GONE
        self._gone += 1
        self._counts[number] -= 1
        if not self._counts[number]:
            del self._number_of[self._sources[number]]
            for each in (self._sources, self._counts, self._newest):
                del each[number]

    def restore(self, stamp: int, source: Source) -> None:
        """Note a message again that was removed, if that is still known."""
        place = bisect_left(self._stamps, stamp)
        if place == len(self._stamps) or self._stamps[place] != stamp:
            return
        number = self._numbers[place] = self._number(source)
        self._gone -= 1
        self._counts[number] = self._counts.get(number, 0) + 1
        self._newest[number] = max(place, self._newest.get(number, place))

    def newest(self, source: Source) -> int | None:
        """Return the stamp of the newest message of a source; None if none is known."""
        number = self._number_of.get(source)
        if number is None:
            return None
        place = self._newest[number]
        # The heaviest source is asked for: its messages are close together.
        while self._numbers[place] != number:
            place -= 1
        self._newest[number] = place
        return self._stamps[place]

    def compact(self) -> None:
        """Close the gaps once there are more of them than messages; they cannot be restored."""
        if self._gone < max(len(self), _COMPACT_FROM):
            return
        newest = {number: self._stamps[place] for number, place in self._newest.items()}
        self._stamps = array("q", compress(self._stamps, self._numbers))
        self._numbers = array("I", compress(self._numbers, self._numbers))
        self._gone = 0
        self._newest = {
            number: bisect_right(self._stamps, stamp) - 1 for number, stamp in newest.items()
        }

    def _number(self, source: Source) -> int:
        number = self._number_of.get(source)
        if number is None:
            number = self._number_of[source] = next(self._free)
            self._sources[number] = source
        return number

    def _place(self, stamp: int) -> int | None:
        place = bisect_left(self._stamps, stamp)
        is_there = place < len(self._stamps) and self._stamps[place] == stamp
        return place if is_there and self._numbers[place] != _GONE else None
