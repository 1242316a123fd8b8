"""Cursors as clients get them: numbers of the journal, with what shows where they came from.

A cursor is ``<mark>.<number>``: the number of the last entry that a reader has, and the mark of the
start of the daemon that gave that number. Where a copy of the database was put back, the same
numbers are given again, for other entries, but by other starts: a cursor from a start that the copy
does not know would skip entries, and is rejected. The mark of numbers from before there were marks
is the id of the database, so that the cursors of the first version stay valid.
"""

from bisect import bisect_left
from collections.abc import Sequence

from attrs import define, field

from qabel.store.starts import Start

BEGINNING = "0"
"""The cursor before the first entry of any database."""


@define(eq=False)
class CursorMarks:
    """The cursors of one database.

    Args:
        starts: earlier starts that gave numbers, the oldest first.
        mark: of this start.
        last_seq: the newest number that was given before this start.

    """

    _starts: Sequence[Start]
    _mark: str
    _last_seq: int
    _firsts: list[int] = field(init=False)
    _ends: dict[str, int] = field(init=False)
    """The last number of each earlier start."""

    def __attrs_post_init__(self) -> None:
        self._firsts = [each.first for each in self._starts]
        ends = [*self._firsts[1:], self._last_seq]
        self._ends = {each.mark: end for each, end in zip(self._starts, ends, strict=False)}

    def encode(self, seq: int) -> str:
        """Return the cursor of a number."""
        return f"{self._mark_of(seq)}.{seq}"

    def decode(self, cursor: str, newest: int) -> int | None:
        """Return the number of a cursor; None if it was not given here.

        Args:
            cursor: what a client sent.
            newest: the newest number that was given.

        """
        if cursor == BEGINNING:
            return 0
        mark, _, digits = cursor.partition(".")
        end = newest if mark == self._mark else self._ends.get(mark)
        if end is None or not (digits.isascii() and digits.isdecimal()):
            return None
        seq = int(digits[:20])
        return seq if seq <= end else None

    def _mark_of(self, seq: int) -> str:
        if seq > self._last_seq or not self._starts:
            return self._mark
        # Up to its first number, a start has what the ones before it had.
        return self._starts[max(0, bisect_left(self._firsts, seq) - 1)].mark
