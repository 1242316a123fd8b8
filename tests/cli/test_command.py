"""What all commands have in common: ``--json``, usage errors, no daemon."""

import json
import re
from pathlib import Path

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call, one_line


def test_json_after_the_command(alice: QabelCommand) -> None:
    """``--json`` is accepted after the name of a command too."""
    assert alice("status", "--json").values[0]["status"] == "running"
    assert alice("identity", "list", "--json").values[0]["alias"] == "Alice"


@pytest.mark.parametrize(
    "words",
    [
        ("send", "Bob", "text", "--json", "{}"),
        ("send", "Bob", "--json", "[1]"),
        ("send", "Bob", "--json", "{nope"),
        ("send", "Bob", "x", "--wait-ack", "soon"),
        ("send",),
        ("nosuch",),
        ("inbox", "--consumer", "me"),
        ("inbox", "show", "one"),
        ("identity", "delete", "Alice"),
    ],
)
def test_usage(alice: QabelCommand, words: tuple[str, ...]) -> None:
    """A usage error is one line with a hint, and status 2; nothing is sent or deleted."""
    result = alice(*words)
    assert result.exit_status == ExitStatus.USAGE
    assert re.search(r"\. \S", one_line(result))


def test_no_daemon(tmp_path: Path) -> None:
    """Every command reports in one line that no daemon is running, and how to start one."""
    for words in (("status",), ("follow",), ("send", "Bob", "x"), ("inbox",), ("settings", "get")):
        result = call("--data-dir", str(tmp_path), *words)
        assert result.exit_status == ExitStatus.UNREACHABLE
        assert re.search(r"Start one: \S*qabel-rest --data-dir", one_line(result))


def test_errors_for_programs(alice: QabelCommand) -> None:
    """With --json an error is JSON too, on standard error."""
    result = alice("--json", "inbox", "show", "999999")
    report = json.loads(result.err)
    assert (report["exit"], report["status"]) == (ExitStatus.NOT_FOUND, 404)
