"""What each character is to a search."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.modules.chat.characters import FOLDED, SYMBOL, WITHOUT_SPACES, fold_character


@pytest.mark.parametrize(
    ("character", "folding"),
    [
        ("É", "e"),
        ("ё", "е"),  # noqa: RUF001 - Cyrillic
        ("ά", "α"),  # noqa: RUF001 - Greek
        ("ᾳ", "α"),  # noqa: RUF001 - Greek
        ("ς", "σ"),  # noqa: RUF001 - Greek
        ("ß", "ss"),
        ("ẞ", "ss"),
        ("İ", "i"),
        ("\u0131", "i"),
        ("ﬃ", "ffi"),
        ("\uff21", "a"),
        ("Ł", "l"),
        ("\u0663", "3"),
        ("²", "2"),
        ("\u200b", ""),
        ("\u00ad", ""),
        ("\ufeff", ""),
        ("\x00", ""),
        ("\x1b", ""),
        ("\ud800", ""),
        ("\u0301", ""),
        ("\u05b8", ""),
        ("\u064e", ""),
        ("\u20e3", ""),
        ("\ufe0f", ""),
        ("\U0001f3fd", ""),
        ("\n", " "),
        ("\u3000", " "),
        ("*", " "),
        ('"', " "),
        ("\ue000", " "),
        ("\u2019", "'"),
        ("\u2011", "-"),
        ("@", "."),
        ("漢", WITHOUT_SPACES + "漢"),
        ("が", WITHOUT_SPACES + "か"),
        ("\uff76", WITHOUT_SPACES + "カ"),
        ("ก", WITHOUT_SPACES + "ก"),
        ("👍", SYMBOL + "👍"),
        ("€", SYMBOL + "€"),
        ("\U0001fae8", SYMBOL + "\U0001fae8"),
    ],
)
def test_what_characters_are(character: str, folding: str) -> None:
    """Letters lose case and accents, what cannot be seen is nothing, and the rest parts words."""
    assert FOLDED[ord(character)] == folding


def test_every_character() -> None:
    """No character comes out as one with a meaning in FTS5, and folding again changes nothing."""
    marks = dict.fromkeys(map(ord, WITHOUT_SPACES + SYMBOL))
    for number in range(0x110000):
        folding = fold_character(chr(number)).translate(marks)
        assert all(
            each >= "\x80" or each in " '.-" or each in "abcdefghijklmnopqrstuvwxyz0123456789"
            for each in folding
        ), hex(number)
        assert "".join(map(fold_character, folding)).translate(marks) == folding, hex(number)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ways_of_writing(text: str) -> None:
    """Texts that differ in how Unicode writes them alone are the same."""
    folded = text.translate(FOLDED)
    for form in ("NFC", "NFD"):
        assert unicodedata.normalize(form, text).translate(FOLDED) == folded


def test_memory() -> None:
    """However many characters are met, only so many are remembered."""
    for number in range(0x20000):
        FOLDED[number]
    assert len(FOLDED) == 10_000
