"""Tables that fit the terminal, whatever stands in their cells."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.table import NAME_WIDTH, Column, fit_widths, table_lines
from qabel.cli.text import width

COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("NAME", lambda each: each["name"], None, NAME_WIDTH),
    Column("TEXT", lambda each: each["text"]),
]


def plain(text: str, _: str) -> str:
    """Return a text without its style."""
    return text


def drawn(rows: Sequence[tuple[int, str, str]], terminal_width: int | None = None) -> list[str]:
    """Return the lines of a table."""
    items = [dict(zip(("id", "name", "text"), row, strict=True)) for row in rows]
    return list(table_lines(items, COLUMNS, plain, terminal_width))


def test_columns_are_aligned() -> None:
    """CJK, combining and emoji characters take up as many columns as the terminal gives them."""
    names = ["Bob", "世界", "Zoe\u0308", "👩\u200d🚀", "한글"]
    lines = drawn([(number, name, "|") for number, name in enumerate(names)], 80)
    assert lines[0] == "ID  NAME  TEXT"
    assert {width(line.partition("|")[0]) for line in lines[1:]} == {10}


def test_a_name_cannot_begin_a_line() -> None:
    """Line breaks and escape sequences are escaped."""
    assert drawn([(1, "a\nb\x1b[2J", "x")])[1:] == ["1   a\\nb\\x1b[2J  x"]


def test_a_row_is_one_line_of_the_terminal() -> None:
    """The widest columns are cut off, the narrow ones are kept."""
    lines = drawn([(1234, "n" * 100, "t" * 100), (5, "Bob", "short")], 40)
    assert lines == [
        "ID    NAME              TEXT",
        f"1234  {'n' * 15}…  {'t' * 15}…",
        "5     Bob               short",
    ]


def test_what_fits_is_not_cut_off() -> None:
    """A table that is as wide as the terminal is left alone."""
    assert drawn([(1, "Bobb", "t" * 10)], 20)[1] == "1   Bobb  tttttttttt"


def test_one_long_name_does_not_widen_every_row() -> None:
    """A name has its share of the widest terminal; in a pipe it sticks out in its own row."""
    rows = [(1, "n" * 100, "x"), (2, "Bob", "y")]
    assert drawn(rows, 200)[1:] == [
        f"1   {'n' * (NAME_WIDTH - 1)}…  x",
        f"2   {'Bob':{NAME_WIDTH}}  y",
    ]
    assert drawn(rows)[1:] == [f"1   {'n' * 100}  x", f"2   {'Bob':{NAME_WIDTH}}  y"]


CELLS = st.text(alphabet=st.sampled_from("ab 世界e\u0301👋👩\u200d🚀\x1b\n"), max_size=60)


@given(st.lists(st.tuples(st.integers(0), CELLS, CELLS), min_size=1), st.integers(10, 120))
def test_no_line_wraps(rows: list[tuple[int, str, str]], terminal_width: int) -> None:
    """No line is wider than the terminal, whatever the cells hold."""
    assert all(width(line) <= terminal_width for line in drawn(rows, terminal_width))


def test_what_stays_whole() -> None:
    """An id or a time is not cut off to make space for text, unless the text would have none."""
    assert fit_widths([2, 19, 50], 34, [True, True, False]) == [2, 19, 13]
    assert fit_widths([2, 19, 50], 24, [True, True, False]) == [2, 11, 11]


@pytest.mark.parametrize(
    ("wanted", "available", "widths"),
    [
        ([3, 5], 20, [3, 5]),
        ([3, 50, 40], 43, [3, 20, 20]),
        ([3, 10, 400], 43, [3, 10, 30]),
        ([5, 5], 0, [1, 1]),
    ],
)
def test_fit_widths(wanted: list[int], available: int, widths: list[int]) -> None:
    """Narrow columns keep their width, and the others share what is left."""
    assert fit_widths(wanted, available) == widths
