"""How lines are split and words are quoted for shells, and how each shell is answered."""

import shlex
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.host.shell_words import VARIABLE, Suggestion, TypedWord, answer, bash_word, split_line

BREAKS = " \t\n\"'><=;|&(:"


def suggest(words: Sequence[str], typed: str) -> list[Suggestion]:
    """Offer what was typed, with the words before it."""
    return [Suggestion("plain", f"{typed}!", " ".join(words)), Suggestion("open", "x y:")]


def test_answers_to_scripts() -> None:
    """Each shell gets a line for a suggestion, of the words as they are meant."""
    line = {VARIABLE: "bash", "COMP_LINE": "qabel 'a b' c", "COMP_WORDBREAKS": BREAKS}
    assert answer(suggest, line, ["x"]) == "plain\tc\\!\nopen\tx\\ y:\n"
    for shell in ("zsh", "fish"):
        found = answer(suggest, {VARIABLE: shell}, ["a b", "c"])
        assert found == "plain\tc!\ta b\nopen\tx y:\t\n"
    assert answer(suggest, {VARIABLE: "fish"}, ['"c d']).startswith("plain\tc d!\t")
    assert answer(suggest, {VARIABLE: "zsh"}, []).startswith("plain\t!\t")


def test_errors_are_not_shown() -> None:
    """Whatever goes wrong, nothing is offered, and nothing is raised."""

    def fail(words: Sequence[str], typed: str) -> list[Suggestion]:
        raise ValueError(words, typed)

    assert answer(fail, {VARIABLE: "zsh"}, ["a"]) == ""


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_quoted_words_are_split_as_the_shell_splits_them(words: list[str]) -> None:
    """Whatever the words, they are found again in the line."""
    line = " ".join(map(shlex.quote, words))
    assert [each.text for each in split_line(f"{line} ") if each.raw] == words


@pytest.mark.parametrize(
    ("line", "last", "raw"),
    [
        ("", "", ""),
        ("qabel ", "", ""),
        ("qabel Bo", "Bo", "Bo"),
        ('qabel "Bo S', "Bo S", '"Bo S'),
        ("qabel 'Bo", "Bo", "'Bo"),
        ("qabel Bo\\ S", "Bo S", "Bo\\ S"),
        ('qabel "a\\"b\\c', 'a"b\\c', '"a\\"b\\c'),
        ("qabel x\\", "x\\", "x\\"),
        ("qabel --key=a:b", "--key=a:b", "--key=a:b"),
    ],
)
def test_last_word_of_an_unfinished_line(line: str, last: str, raw: str) -> None:
    """Quotes may still be open."""
    assert split_line(line)[-1] == TypedWord(last, raw)


@pytest.mark.parametrize(
    ("word", "typed", "reply"),
    [
        ("Zoë O'Brien", "Z", "Zoë\\ O\\'Brien"),
        ("Zoë O'Brien", '"Z', "Zoë O'Brien"),
        ("Zoë O'Brien", "'Z", "Zoë O'\\''Brien"),
        ('a"$`\\', '"a', 'a\\"\\$\\`\\\\'),
        ("id:12", "id:1", "12"),
        ("--key=file:", "--key=file:", ""),
        ("--key=keyring", "--key=k", "keyring"),
        ("id:12", '"id:1', "id:12"),
        ("Bob", "bo", "Bob"),
        ("~x", "", "\\~x"),
    ],
)
def test_words_for_bash(word: str, typed: str, reply: str) -> None:
    """A word is quoted as the typed one is, and begins where bash replaces it."""
    [last] = split_line(typed)
    assert bash_word(Suggestion("plain", word), last, BREAKS) == reply


def test_bash_that_does_not_split_at_colons() -> None:
    """Where people have taken the colon out of the breaks, the whole word is replaced."""
    assert bash_word(Suggestion("plain", "id:12"), TypedWord("id:1", "id:1"), " =") == "id:12"
