"""Where the token of a closed group comes from."""

import io
import sys
from pathlib import Path

import click
import pytest

from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.group_token_input import (
    ask_group_token,
    is_typed,
    parse_group_token,
    read_group_token,
)
from qabel.cli.output import Output

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"{TOKEN}\n",
        f"\ufeff  {TOKEN}\t\r\n\r\n",
        f"Client {TOKEN}",
        f"Authorization: Client {TOKEN}\n",
    ],
)
def test_a_token(text: str) -> None:
    """What editors and mails put around it is taken away."""
    assert parse_group_token(text, "x") == TOKEN


@pytest.mark.parametrize("token", ["'quoted'", "<brackets>", "`", "Client"])
def test_what_belongs_to_it(token: str) -> None:
    """Other characters stay: a token may begin and end with any."""
    assert parse_group_token(token, "x") == token


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "x has no group token"),
        (" \n\t\n", "x has no group token"),
        (f"{TOKEN}\n{TOKEN}\n", "x has 2 lines; it must have the group token alone"),
        ("correct horse", "x has no group token: those are printable ASCII"),
        ("größe", "x has no group token: those are printable ASCII"),
        ("y" * 513, "x has no group token: those have at most 512 characters"),
    ],
)
def test_what_is_none(text: str, why: str) -> None:
    """It is said what is wrong with it, and it is not shown."""
    with pytest.raises(CommandError, match=why) as error:
        parse_group_token(text, "x")
    assert error.value.exit_status == ExitStatus.USAGE
    assert not any(word in str(error.value) for word in ("horse", "größe", "yyy"))


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in a file, or comes from standard input."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_group_token(str(tmp_path / "token")) == TOKEN
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TOKEN.encode())))
    assert read_group_token("-") == TOKEN
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(CommandError, match="Standard input has no group token"):
        read_group_token("-")
    with pytest.raises(CommandError, match="No such file"):
        read_group_token(str(tmp_path / "missing"))


def test_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked who cannot answer; what is typed is not shown."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not is_typed(Session({}, Output(json=False)))
    asked: list[object] = []

    def prompt(text: str, **options: object) -> str:
        asked.append(options["hide_input"])
        return f" {TOKEN} "

    monkeypatch.setattr(click, "prompt", prompt)
    assert (ask_group_token(), asked) == (TOKEN, [True])
