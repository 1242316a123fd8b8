"""Which drops were asked for lately: a Bloom filter, from which no list of drops can be made.

Each drop that is asked for has a few bits set among millions. All bits of a drop set means that it
was asked for; by chance, that is so for a few others too, the more the more drops are asked for. So
whoever asks for millions of made-up drops makes it useless, but never has it say that a drop was
not asked for that was.

There are two of them. The older one is forgotten when the newer one has lasted for a period, and
the newer one takes its place: a drop is known for one period to two.
"""

from collections.abc import Iterable

from attrs import define, field

PARTS = 2048
"""Parts of a filter, of which each has its bits for some of the drops."""

PART_BITS = 4096

MARKS = 6
"""Bits for each drop. When a million drops are asked for, one in 50 others seems to be."""

_PLACE_BITS = 12
_PLACE_MASK = PART_BITS - 1

Bits = dict[int, int]
"""The parts of a filter that are not empty, by number."""


@define(eq=False, repr=False)
class AskedDrops:
    """Which drops were asked for, by the hashes of their ids.

    Args:
        began: when the newer filter began, in seconds since the epoch.
        bits: its bits.
        began_before: when the older one began.
        bits_before: its bits.
        known_since: when it was first noted which drops are asked for; 0 for always.

    """

    began: int
    bits: Bits = field(factory=dict)
    began_before: int = 0
    bits_before: Bits = field(factory=dict)
    known_since: int = 0
    changed: set[int] = field(factory=set, init=False)
    """Parts of the newer filter that changed since they were stored."""
    must_settle: bool = field(default=True, init=False)
    """Whether the times, and what is forgotten, may not be in the file as they are here."""

    def note(self, places: Iterable[bytes]) -> None:
        """Note that somebody asks for drops now."""
        for place in places:
            part, marks = _marks(place)
            bits = self.bits.get(part, 0)
            if bits & marks != marks:
                self.bits[part] = bits | marks
                self.changed.add(part)

    def __contains__(self, place: bytes) -> bool:
        """Return whether a drop was asked for, or seems to have been."""
        part, marks = _marks(place)
        return any(bits.get(part, 0) & marks == marks for bits in (self.bits, self.bits_before))

    def parts_of(self, places: Iterable[bytes]) -> set[int]:
        """Return the parts of some drops, as far as they changed since they were stored."""
        if not self.changed:
            return set()
        return {_marks(place)[0] for place in places} & self.changed

    def turn(self, now: float, period: float) -> None:
        """Forget what is older than a period, once the newer filter has lasted as long.

        All that changed must be stored.
        """
        age = now - self.began
        if age < period:
            return
        self.bits_before, self.began_before = self.bits, self.began
        if age >= 2 * period:
            # For as long as that, the server did not run.
            self.bits_before, self.began_before = {}, 0
        self.bits, self.began = {}, int(now)
        self.must_settle = True


def _marks(place: bytes) -> tuple[int, int]:
    """Return the part and the bits of a drop."""
    number = int.from_bytes(place[:11])
    part, marks = number % PARTS, 0
    number //= PARTS
    for _ in range(MARKS):
        marks |= 1 << (number & _PLACE_MASK)
        number >>= _PLACE_BITS
    return part, marks
