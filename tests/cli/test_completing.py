"""What is offered for a word, and how lines are split and words are quoted for bash."""

import shlex
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli import command
from qabel.cli.completing import (
    Suggestion,
    TypedWord,
    bash_word,
    run_completion,
    split_line,
    suggestions,
)

BREAKS = " \t\n\"'><=;|&(:"


@click.command()
@click.option("--level", type=click.Choice(["low", "high"]), help="x")
@click.argument("directory", metavar="DIR")
def example(**_: Any) -> None:
    """Do nothing."""


def test_choices_and_options() -> None:
    """Options and fixed values are offered, with the option before an equals sign."""
    assert [each.word for each in suggestions(example, [], "--l")] == ["--level"]
    assert [each.word for each in suggestions(example, ["--level"], "")] == ["low", "high"]
    assert suggestions(example, [], "--level=h") == [Suggestion("plain", "--level=high")]
    assert suggestions(example, [], "") == [Suggestion("dir", "")]


def test_answers_to_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shell gets a line for a suggestion."""
    assert (
        run_completion(command, "zsh", ["serv"])
        == "plain\tserver\tList, add, test and remove drop servers.\n"
    )
    monkeypatch.setenv("COMP_LINE", "qabel serv")
    assert run_completion(command, "bash", []) == "plain\tserver\n"
    assert run_completion(command, "fish", []) != ""


def test_errors_are_not_shown() -> None:
    """Whatever goes wrong, nothing is offered, and nothing is raised."""

    @click.command()
    @click.argument("number", shell_complete=lambda *_: [1 // 0])
    def broken(number: str) -> None:
        """Do nothing."""

    assert run_completion(broken, "fish", [""]) == ""


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
