"""Strangers' texts on a terminal, and the display columns that they take up."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.text import beginning, clip, pad, short_key, visible, width

HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello Bob", "Hello Bob"),
        ("Grüße, 世界 👋", "Grüße, 世界 👋"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\rb\tc\nd", r"a\rb\tc\nd"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u2028b", r"a\u2028b"),
        ("\ud800", r"\ud800"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """Letters are kept; whatever controls the terminal, reverses text or hides is escaped."""
    assert visible(text) == shown


@given(st.text(alphabet=st.characters()))
def test_visible_is_harmless(text: str) -> None:
    """No character that a terminal obeys or does not show is left, except the two joiners."""
    left = {each for each in visible(text) if unicodedata.category(each) in HARMFUL}
    assert left <= {"\u200c", "\u200d"}


def test_visible_keeps_lines_if_asked() -> None:
    """Line breaks can be kept, and nothing else."""
    assert visible("a\nb\r\x1b", lines=True) == "a\nb\\r\\x1b"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("", 0),
        ("世界", 4),
        ("e\u0301", 1),
        ("👋", 2),
        ("👩\u200d🚀", 2),
        ("❤\ufe0f", 2),
    ],
)
def test_width(text: str, columns: int) -> None:
    """Wide letters and emoji take up two columns, combining marks none."""
    assert width(text) == columns


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(1, 40))
def test_clipped_text_fits(text: str, columns: int) -> None:
    """Clipped text is never wider than asked for."""
    assert width(clip(visible(text), columns)) <= columns


@pytest.mark.parametrize(
    ("text", "columns", "clipped"),
    [
        ("abcdef", 4, "abc…"),
        ("abcd", 4, "abcd"),
        ("世界人民", 5, "世界…"),
        ("世界人民", 4, "世 …"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("👩\u200d🚀👩\u200d🚀", 3, "👩\u200d🚀…"),
    ],
)
def test_clipping_splits_no_character(text: str, columns: int, clipped: str) -> None:
    """A wide letter, a letter with its accents and an emoji of several parts stay whole."""
    assert clip(text, columns) == clipped


def test_padding_counts_columns() -> None:
    """Padding counts columns, not characters."""
    assert [pad("世", 4), pad("e\u0301", 2), pad("👋", 3)] == ["世  ", "e\u0301 ", "👋 "]


def test_short_key() -> None:
    """The beginning of a key is enough for people."""
    assert short_key("a" * 64) == "aaaaaaaa…"


def test_the_beginning_of_a_long_text() -> None:
    """What is longer than a list has room for is cut, wherever the list goes."""
    assert beginning("short") == "short"
    cut = beginning("word " * 8000)
    assert cut.endswith("word…")
    assert len(cut) <= 201
