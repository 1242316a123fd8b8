"""Text in lines: none is too wide, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.chat.wrapping import cells, wrapped

TEXTS = st.text(st.sampled_from("ab 漢字\u0301\n"), max_size=60)


@given(TEXTS, st.integers(2, 20))
def test_lines_fit(text: str, columns: int) -> None:
    """No line is wider than what there is, and all but spaces at the ends of lines is there."""
    lines = wrapped(text, columns)
    assert all(cells(each) <= columns for each in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("one\n\ntwo", ["one", "", "two"]),
        ("abcdefghijkl", ["abcdefgh", "ijkl"]),
        ("a abcdefghij b", ["a", "abcdefgh", "ij b"]),
        ("漢字漢字漢字", ["漢字漢字", "漢字"]),
        ("  indented", ["", "indented"]),
    ],
)
def test_where_lines_end(text: str, lines: list[str]) -> None:
    """Between words if possible, and within a wide one."""
    assert wrapped(text, 8) == lines


def test_a_long_word_takes_no_long_time() -> None:
    """Its pieces are cut one after the other."""
    assert len(wrapped("x" * 1_000_000, 50)) == 20_000
