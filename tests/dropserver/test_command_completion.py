"""What a shell is offered on the command line of the drop server."""

import pytest

from qabel.dropserver.command_completion import drop_suggestions
from qabel.dropserver.command_list import COMMANDS
from qabel.dropserver.tap import Options


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    return [each.word or each.kind for each in drop_suggestions(Options(), words[:-1], words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["che"], ["check"]),
        (["--max-l"], ["--max-listeners"]),
        (["--port", "9", "che"], []),
        (["check", "--d"], ["--data-dir", "--database"]),
        (["check", "--data-dir", ""], ["dir"]),
        (["purge", "--"], ["--help", "--data-dir", "--never-asked", "--since", "--dry-run"]),
        (["purge", "--since", ""], []),
        (["purge", "x"], []),
        (["backup", "/var"], ["file"]),
        (["backup", "--keep", ""], []),
        (["backup", ""], ["file", "--help", "--data-dir", "--keep"]),
        (["restore", "--data-dir", "/x", "dr"], ["file"]),
        (["--drop-id-bits=2"], ["--drop-id-bits=20", "--drop-id-bits=24", "--drop-id-bits=256"]),
        (["configure", "--drop-id-bits", "1"], ["12", "16"]),
        (["--lifetime", "3", "--log"], ["--log", "--log-json"]),
    ],
)
def test_what_is_offered(words: list[str], expected: list[str]) -> None:
    """Commands in the first place, then the options of the command."""
    assert offered(*words) == expected


def test_at_the_beginning() -> None:
    """All commands, and all options of the server."""
    found = offered("")
    assert found[: len(COMMANDS)] == list(COMMANDS)
    assert "--quota" in found
