"""What a shell is offered for a daemon that has commands."""

import argparse

import pytest

from qabel.host.command_completion import program_suggestions
from qabel.host.daemon_options import DaemonOptions

COMMANDS = {"door": "Open or close it", "copy": "Copy a file"}


class HouseOptions(DaemonOptions):
    """The options of a daemon."""

    name = "house"
    default_port = 1


def parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one of the commands."""
    made = argparse.ArgumentParser(name)
    made.add_argument("--data-dir", metavar="DIR")
    made.add_argument("--quick", action="store_true")
    if name == "door":
        made.add_argument("act", choices=["open", "close"], metavar="COMMAND")
        made.add_argument("name", nargs="?")
    else:
        made.add_argument("file", metavar="FILE")
    return made


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    found = program_suggestions(HouseOptions(), {}, COMMANDS, parser, words[:-1], words[-1])
    return [each.word or each.kind for each in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["do"], ["door"]),
        (["--log-j"], ["--log-json"]),
        (["--port", "9", "do"], []),
        (["door", ""], ["open", "close", "--help", "--data-dir", "--quick"]),
        (["door", "op"], ["open"]),
        (["door", "--q"], ["--quick"]),
        (["door", "open", "front"], []),
        (["door", "open", "front", "more"], []),
        (["door", "open", "--quick", ""], ["--help", "--data-dir", "--quick"]),
        (["door", "--quick", "o"], ["open"]),
        (["door", "--data-dir", "o"], ["dir"]),
        (["door", "--data-dir", "open", "o"], ["open"]),
        (["door", "--data-dir=open", "c"], ["close"]),
        (["copy", "le"], ["file"]),
        (["copy", "letter", "x"], []),
    ],
)
def test_what_is_offered(words: list[str], expected: list[str]) -> None:
    """Commands in the first place; then what the command takes, in its order."""
    assert offered(*words) == expected


def test_at_the_beginning() -> None:
    """All commands, and all options of the daemon."""
    found = offered("")
    assert found[: len(COMMANDS)] == list(COMMANDS)
    assert "--log" in found
