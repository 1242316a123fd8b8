"""Completion in shells: what is offered, and the scripts that ask for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call

QABEL = [sys.executable, "-m", "qabel.cli"]


def completed(alice: QabelCommand, *words: str) -> list[str]:
    """Return what bash is offered to complete the last word."""
    env = {
        **os.environ,
        "_QABEL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["qabel", *words]),
        "COMP_CWORD": str(len(words)),
        "QABEL_DATA_DIR": str(alice.directory),
    }
    ended = subprocess.run(QABEL, capture_output=True, check=True, env=env)
    return [line.removeprefix("plain,") for line in ended.stdout.decode().splitlines() if line]


def test_completion(alice: QabelCommand) -> None:
    """Shells are offered commands, options, and the names that the daemon knows."""
    assert {"inbox", "identity"} <= set(completed(alice, "i"))
    assert completed(alice, "send", "b") == ["Bob"]
    assert completed(alice, "inbox", "--from", "") == ["Bob"]
    assert completed(alice, "identity", "show", "A") == ["Alice"]
    assert "--model-object" in completed(alice, "inbox", "--")
    assert {"list", "show", "delete"} <= set(completed(alice, "inbox", ""))


def test_completion_without_a_daemon(tmp_path: Path) -> None:
    """Without a daemon, a shell is offered nothing, and no error is shown."""
    assert completed(QabelCommand(tmp_path), "send", "B") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """There is a script for each shell."""
    assert "_QABEL_COMPLETE" in call("completion", shell).out


@pytest.mark.parametrize("words", [(), ("tcsh",)])
def test_other_shells(words: tuple[str, ...]) -> None:
    """Without the name of a supported shell, it is a usage error."""
    assert call("completion", *words).exit_status == ExitStatus.USAGE
