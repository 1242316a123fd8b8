"""Commands in hints are written as this call began."""

import sys
from pathlib import Path

import pytest

from qabel.cli.own_command import OwnCommand

BEGINNING = "qabel --data-dir 'my data'"

OWN = OwnCommand(options="--data-dir 'my data'")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Run: qabel doctor", "Run: qabel --data-dir 'my data' doctor"),
        (
            "qabel identity card 1 FILE, or qabel identity qr 1",
            f"{BEGINNING} identity card 1 FILE, or {BEGINNING} identity qr 1",
        ),
        ("Add one: `qabel server add URL`", "Add one: `qabel --data-dir 'my data' server add URL`"),
        ("qabel salvage --data-dir OLD --to NEW", "qabel salvage --data-dir OLD --to NEW"),
        ("Start one: qabel-rest", "Start one: qabel-rest"),
        ("/usr/bin/qabel doctor", "/usr/bin/qabel doctor"),
        ("qabel: an error", "qabel: an error"),
        ("", ""),
    ],
)
def test_options_are_repeated(text: str, written: str) -> None:
    """Each command gets the options of the program, unless it has its own."""
    assert OWN.in_text(text) == written
    assert OwnCommand().in_text(text) == text


def test_a_program_that_is_not_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written as it was called."""
    program = tmp_path / "my bin" / "qabel"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    called = OwnCommand.of([], str(program))
    assert called.in_text("Run: qabel doctor") == f"Run: '{program}' doctor"
    monkeypatch.setenv("PATH", str(program.parent))
    assert OwnCommand.of([], str(program)).in_text("Run: qabel doctor") == "Run: qabel doctor"


def test_as_a_module_of_python() -> None:
    """It is written with the same Python."""
    called = OwnCommand.of(["--url", "http://h:1"], "/x/qabel/__main__.py")
    assert called.in_text("qabel status").endswith(" -m qabel --url http://h:1 status")
    assert called.in_text("qabel status").startswith(sys.executable)
