"""Excerpts of what was found."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.modules.chat.excerpts import LENGTH, excerpt
from qabel.modules.chat.folding import places, terms


def test_short_text() -> None:
    """A short text is there in whole, as it was written."""
    made = excerpt("Grüße aus der Straße", terms("strasse grusse"))
    assert made.text == "Grüße aus der Straße"
    assert [made.text[start:end] for start, end in made.places] == ["Grüße", "Straße"]
    assert (made.is_cut_before, made.is_cut_behind) == (False, False)


def test_long_text() -> None:
    """Of a long text there are whole words around the first place."""
    made = excerpt("many words " * 100 + "néedle " + "more words " * 100, terms("needle"))
    assert [made.text[start:end] for start, end in made.places] == ["néedle"]
    assert set(made.text.split()) == {"many", "words", "néedle", "more"}
    assert (made.is_cut_before, made.is_cut_behind) == (True, True)


def test_text_without_a_place() -> None:
    """Of a text that has changed meanwhile there is the beginning."""
    made = excerpt("word " * 100, terms("needle"))
    assert made.text.startswith("word word")
    assert (made.places, made.is_cut_before, made.is_cut_behind) == ([], False, True)


@given(st.text(max_size=400), st.integers(0, 400), st.text(max_size=400))
def test_any_text(before: str, spaces: int, behind: str) -> None:
    """It is a part of the text, no longer than it may be, with the first place."""
    text = before + " " * spaces + " needle " + behind
    made = excerpt(text, terms("needle"))
    assert made.text in text
    assert len(made.text) <= LENGTH
    start, end = places(text, terms("needle"))[0]
    assert made.text[slice(*made.places[0])] == text[start:end][:LENGTH]
