"""Cursors: which are valid here, and which were given elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.core.journal.cursor_marks import CursorMarks
from qabel.store.starts import Start

STARTS = (Start("base", -1), Start("one", 10), Start("two", 25))


@pytest.fixture
def marks() -> CursorMarks:
    """Return the cursors of a start that found 30 entries."""
    return CursorMarks(STARTS, "now", 30)


@pytest.mark.parametrize(
    ("number", "mark"),
    [(0, "base"), (10, "base"), (11, "one"), (25, "one"), (26, "two"), (30, "two"), (31, "now")],
)
def test_a_cursor_has_the_mark_of_its_number(marks: CursorMarks, number: int, mark: str) -> None:
    """The mark is that of the start that gave the number, also in a later start."""
    assert marks.encode(number) == f"{mark}.{number}"


@pytest.mark.parametrize(
    ("cursor", "number"),
    [
        ("base.10", 10),
        ("base.11", None),
        ("one.5", 5),
        ("one.25", 25),
        ("one.26", None),
        ("two.30", 30),
        ("two.31", None),
        ("now.40", 40),
        ("now.41", None),
        ("lost.5", None),
        ("0", 0),
        ("now.", None),
        ("now.1x", None),
        ("now.1.2", None),
        ("now.99999999999999999999999", None),
    ],
)
def test_a_cursor_is_valid_where_it_was_given(
    marks: CursorMarks, cursor: str, number: int | None
) -> None:
    """Known marks are valid up to the last number that their start had here, others never."""
    assert marks.decode(cursor, 40) == number


def test_without_starts_all_cursors_are_of_this_one() -> None:
    """Where nothing is known of earlier starts, cursors are still valid in the start itself."""
    marks = CursorMarks((), "now", 30)
    assert marks.decode(marks.encode(7), 30) == 7


@given(st.lists(st.integers(1, 9), max_size=6), st.integers(0, 5), st.integers(0, 60))
def test_every_own_cursor_is_valid(numbers: list[int], new: int, which: int) -> None:
    """All cursors that were ever given stay valid, whatever number of starts follow."""
    starts, last = [Start("base", -1)], 0
    for each, count in enumerate(numbers):
        starts.append(Start(f"start{each}", last))
        last += count
    marks = CursorMarks(starts, "now", last)
    seq = min(which, last + new)
    later = CursorMarks([*starts, Start("now", last)], "later", last + new)
    assert marks.decode(marks.encode(seq), last + new) == seq
    assert later.decode(marks.encode(seq), last + new) == seq
