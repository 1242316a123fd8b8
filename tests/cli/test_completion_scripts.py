"""The scripts for shells: shells can read them, and they ask the command that was typed."""

import subprocess

import pytest

from qabel.cli.completion_scripts import SHELLS, completion_script
from tests.cli.interactive_shell import shell_path


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_can_read_the_scripts(shell: str) -> None:
    """The shell finds no mistake in its script."""
    checked = subprocess.run(
        [shell_path(shell), "-n"], input=completion_script(shell), text=True, check=False
    )
    assert checked.returncode == 0


def test_bash_without_its_line() -> None:
    """Called with words alone, the script makes a line of them."""
    script = completion_script("bash") + (
        'qabel() { echo "plain\t[$COMP_LINE]"; }; COMP_WORDS=(qabel stat) COMP_CWORD=1;'
        ' _qabel_completion qabel; echo "${COMPREPLY[*]}"'
    )
    ended = subprocess.run([shell_path("bash"), "-c", script], capture_output=True, check=True)
    assert ended.stdout == b"[qabel stat]\n"
