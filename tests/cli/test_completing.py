"""What ``qabel`` offers for a word."""

from functools import partial
from typing import Any

import click

from qabel.cli.completing import suggestions
from qabel.host.shell_words import VARIABLE, Suggestion, answer


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


def test_errors_are_not_shown() -> None:
    """Whatever goes wrong, nothing is offered, and nothing is raised."""

    @click.command()
    @click.argument("number", shell_complete=lambda *_: [1 // 0])
    def broken(number: str) -> None:
        """Do nothing."""

    suggest = partial(suggestions, broken)
    assert answer(suggest, {VARIABLE: "fish"}, [""]) == ""
