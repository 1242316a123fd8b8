"""The names of people that a shell is offered."""

from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from qabel.cli import command
from qabel.cli.parameters import complete_contact, complete_identity
from tests.cli.prepared_server import json_response, prepared_server, problem_response

PARAMETER = click.Argument(["name"])


def completing(directory: Path) -> click.Context:
    """Return the context in which a shell completes a word."""
    words = ["--data-dir", str(directory)]
    return command.make_context("qabel", words, resilient_parsing=True)


def offered(directory: Path, typed: str) -> list[str]:
    """Return the contacts that are offered."""
    return [each.value for each in complete_contact(completing(directory), PARAMETER, typed)]


@pytest.mark.parametrize(
    ("aliases", "typed", "expected"),
    [
        (["Zoe", "Bob", "Anna"], "", ["Anna", "Bob", "Zoe"]),
        (["Bob", "Bob"], "B", ["Bob"]),
        (["Bob", "bert", "Anna"], "B", ["Bob", "bert"]),
        (["STRASSE"], "straß", ["STRASSE"]),
        (["Bob\nrm", "Bob\x1b[2J", "Bob B"], "Bob", ["Bob B"]),
        (["Bob"], "ob", []),
    ],
)
def test_aliases(tmp_path: Path, aliases: Sequence[str], typed: str, expected: list[str]) -> None:
    """Aliases that begin with the word are offered in order, once, and only printable ones."""
    people = [{"alias": each} for each in aliases]
    with prepared_server(tmp_path / "rest.sock", lambda _: json_response(people)) as server:
        assert offered(tmp_path, typed) == expected
    assert server.targets == ["/contacts"]


def test_identities(tmp_path: Path) -> None:
    """Where an identity is meant, identities are offered."""
    people = [{"alias": "Alice"}]
    with prepared_server(tmp_path / "rest.sock", lambda _: json_response(people)) as server:
        [item] = complete_identity(completing(tmp_path), PARAMETER, "a")
    assert item.value == "Alice"
    assert server.targets == ["/identities"]


def test_nothing_to_offer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a daemon, or without permission, nothing is offered and no error is printed."""
    assert offered(tmp_path, "B") == []
    with prepared_server(tmp_path / "rest.sock", lambda _: problem_response(403)):
        assert offered(tmp_path, "B") == []
    assert capfd.readouterr() == ("", "")
