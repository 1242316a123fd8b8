"""Where texts are cut: behind words, between graphemes, between code points."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from qabel.modules.chat.breaks import after_grapheme, after_word, anywhere

MIXED = st.text(
    st.sampled_from(
        "ab ,\n\r\t\u00e9\u0301\u200d\u200b\u00a0\u0438\u4e16\u754c\u3002\u300c"
        "\u0e01\u0e33\u0915\u094d\U0001f469\U0001f3fd\U0001f1e9\U0001f1ea"
    ),
    min_size=2,
    max_size=60,
)


def boundaries(text: str) -> set[int]:
    """Return where the graphemes of a text end."""
    ends = {0}
    for grapheme in iter_graphemes(text):
        ends.add(max(ends) + len(grapheme))
    return ends


@pytest.mark.parametrize(
    ("text", "end", "first"),
    [
        ("one two three", 9, "one two "),
        ("one two three", 8, "one two "),
        ("one two three", 7, "one "),
        ("one  two", 6, "one  "),
        ("one  two", 4, "one "),
        ("a one   ", 6, "a "),
        ("line\nline", 7, "line\n"),
        ("line\r\nline", 7, "line\r\n"),
        ("one two\u00a0three four", 10, "one "),
        ("onetwothree", 5, "onetw"),
        ("\u043e\u0434\u0438\u043d \u0434\u0432\u0430", 6, "\u043e\u0434\u0438\u043d "),
        ("\u4e16\u754c\u4e16\u754c", 3, "\u4e16\u754c\u4e16"),
        ("\u4e16\u754c\u3002\u4e16", 2, "\u4e16"),
        ("\u4e16\u754c\u300c\u4e16", 3, "\u4e16\u754c"),
        ("abc \u4e16\u754c\u4e16\u754c", 6, "abc \u4e16\u754c"),
        ("abc\u4e16\u754c", 4, "abc\u4e16"),
        ("\u4e16\u754cabcdef", 5, "\u4e16\u754c"),
        ("a\u200bb\u200bc", 3, "a\u200b"),
        ("one two \u0301x", 8, "one "),
        ("a b\u4e16\u0301x", 4, "a b"),
        ("\u4e16\u754c abc", 2, "\u4e16"),
    ],
)
def test_texts_are_cut_behind_words(text: str, end: int, first: str) -> None:
    """The space stays with the word before it; ideographs are words, punctuation is not first."""
    assert text[: after_word(text, 0, end)] == first


@pytest.mark.parametrize(
    ("text", "end", "first"),
    [
        ("cafe\u0301s", 4, "caf"),
        ("a\r\nb", 2, "a"),
        ("ab\U0001f469\u200d\U0001f469\u200d\U0001f467c", 4, "ab"),
        ("\U0001f1e9\U0001f1ea\U0001f1e9\U0001f1ea", 3, "\U0001f1e9\U0001f1ea"),
        ("\U0001f44b\U0001f3fb\U0001f44b\U0001f3fb", 3, "\U0001f44b\U0001f3fb"),
        ("a" + "\u0301" * 9, 5, "a\u0301\u0301\u0301\u0301"),
    ],
)
def test_graphemes_are_not_cut(text: str, end: int, first: str) -> None:
    """What people take for one character stays whole, if it fits at all."""
    assert text[: after_grapheme(text, 0, end)] == first
    assert text[: after_word(text, 0, end)] == first


@given(MIXED, st.data())
@example("\u00e9" * 5, None)
def test_a_cut_is_after_the_last_grapheme_that_fits(text: str, data: st.DataObject | None) -> None:
    """Cutting within a grapheme happens only to one that does not fit from the beginning."""
    end = len(text) - 1 if data is None else data.draw(st.integers(1, len(text) - 1))
    fitting = [each for each in boundaries(text) if 0 < each <= end]
    assert after_grapheme(text, 0, end) == max(fitting, default=end)


@given(MIXED, st.data())
def test_a_cut_is_always_within_the_room(text: str, data: st.DataObject) -> None:
    """Every way of cutting takes at least a character, and not more than fits."""
    end = data.draw(st.integers(1, len(text) - 1))
    start = data.draw(st.integers(0, end - 1))
    for choose in (after_word, after_grapheme, anywhere):
        assert start < choose(text, start, end) <= end
    assert anywhere(text, start, end) == end


@given(MIXED, st.data())
def test_words_end_at_graphemes(text: str, data: st.DataObject) -> None:
    """A cut behind a word is not within a grapheme either."""
    end = data.draw(st.integers(1, len(text) - 1))
    fitting = [each for each in boundaries(text) if 0 < each <= end]
    if fitting:
        assert after_word(text, 0, end) in fitting
