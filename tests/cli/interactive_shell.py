"""A shell on a terminal, in which somebody types and presses the tab key."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

PATIENCE = 30.0
"""Seconds until a shell must have answered."""

READY = "-ready-"
_SHOW_WORDS = "\x01printf '<%s>' \r"
"""Go to the start of the line, and have its words printed instead of run."""

_PROGRAM = "<qabel"

PROGRAMS = {
    "qabel": "from qabel.cli import main; main()",
    "qabel-rest": "from qabel.daemon_commands import rest; rest()",
    "qabel-drop": "from qabel.daemon_commands import drop; drop()",
    "qabel-block": "from qabel.daemon_commands import block; block()",
}

ARGUMENTS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config"],
}
PREPARE = {
    "bash": 'bind "set completion-query-items 0"; eval "$(qabel completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(qabel completion zsh)"',
}


def shell_path(name: str) -> str:
    """Return the path of a shell; skip the test if it is not installed."""
    path = which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def environment(folder: Path, data_directory: Path) -> dict[str, str]:
    """Return an environment in which ``qabel`` and the daemons are the commands of this tree."""
    for name, code in PROGRAMS.items():
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
        command.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "QABEL_DATA_DIR": str(data_directory),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "200",
    }


def fish_offers(line: str, env: dict[str, str]) -> list[str]:
    """Return what fish offers at the end of a line: words, with a tab before each meaning."""
    script = 'qabel completion fish | source; complete -C "$line"'
    ended = subprocess.run(
        [shell_path("fish"), *ARGUMENTS["fish"], "-c", script],
        env={**env, "line": line},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return ended.stdout.splitlines()


def words_after_tab(
    shell: str, lines: Sequence[str], env: dict[str, str], folder: Path
) -> list[str]:
    """Type each line and press tab; return the words of each line then, as ``<qabel><inbox>``."""
    path = shell_path(shell)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve(path, [shell, *ARGUMENTS[shell]], env)  # noqa: S606 - it is the shell that is tested
    try:
        _type(terminal, f"{PREPARE[shell]}; PS1='$ '; echo {READY[:3]}''{READY[3:]}\r")
        _read_until(terminal, READY)
        found = []
        for line in lines:
            _type(terminal, f"{line}\t{_SHOW_WORDS}")
            text = _read_until(terminal, _PROGRAM)
            words = text[text.rindex(_PROGRAM) :]
            found.append(words[: words.rindex(">") + 1])
        return found
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def _type(terminal: int, text: str) -> None:
    os.write(terminal, text.encode())


def _read_until(terminal: int, end: str) -> str:
    """Return what a shell prints until a text is there, and then nothing for a while."""
    text, deadline = "", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        is_there, _, _ = select.select([terminal], [], [], 0.3)
        if is_there:
            text += os.read(terminal, 65536).decode(errors="replace")
        elif end in text:
            return text
    raise AssertionError(f"no {end} in {text!r}")
