"""Texts of strangers on a terminal, and how much room they take."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.text import (
    ago,
    clipped,
    count,
    duration,
    moment,
    padded,
    short_key,
    size,
    visible,
    width,
)  # fmt: skip

HARMLESS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
    """Letters stay; what moves the cursor, turns text around or hides is spelt out."""
    assert visible(text) == shown


@given(st.text(alphabet=st.characters()))
def test_visible_is_harmless(text: str) -> None:
    """Nothing that a terminal obeys, or does not show, is left of any text but the two joiners."""
    left = {each for each in visible(text) if unicodedata.category(each) in HARMLESS}
    assert left <= {"\u200c", "\u200d"}


def test_visible_keeps_lines_if_asked() -> None:
    """Line breaks can be left, and nothing else."""
    assert visible("a\nb\r\x1b", lines=True) == "a\nb\\r\\x1b"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("", 0), ("世界", 4), ("e\u0301", 1), ("👋", 2)]
)
def test_width(text: str, columns: int) -> None:
    """Wide letters take two columns, combining marks none."""
    assert width(text) == columns


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(1, 40))
def test_clipped_fits(text: str, columns: int) -> None:
    """What is clipped is never wider than was said."""
    assert width(clipped(text, columns)) <= columns


def test_padded_aligns_wide_letters() -> None:
    """Padding counts columns, not characters."""
    assert padded("世", 4) == "世  "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (59.9, "59 s"), (61, "1 min"), (3700, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_duration(seconds: float, text: str) -> None:
    """Times are told in one or two units."""
    assert duration(seconds) == text


def test_ago() -> None:
    """What was is told from now."""
    assert [ago(None, 10), ago(9_900, 10), ago(5_000, 10)] == ["never", "just now", "5 s ago"]


def test_moment_of_any_number() -> None:
    """A sender may claim any time: none of them is an error."""
    assert [moment(None), moment(2**63 - 1)] == ["-", "?"]
    assert len(moment(1_500_000_000_000)) == 19


def test_small_words() -> None:
    """Sizes, numbers of things, and keys are told briefly."""
    assert [size(12), size(2048), size(5 * 1024**3)] == ["12 bytes", "2.0 KiB", "5.0 GiB"]
    assert [count(1, "message"), count(2, "identity", "identities")] == [
        "1 message",
        "2 identities",
    ]
    assert short_key("a" * 64) == "aaaaaaaa…"
