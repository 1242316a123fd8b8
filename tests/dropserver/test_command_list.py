"""The commands of the drop server: each is there, and has a page of help."""

import pytest

from qabel.dropserver.command_list import COMMANDS, load_command
from tests.dropserver.test_check_command import drop_command


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command(name: str) -> None:
    """It has help under its own name, and a wrong option is a usage error in plain words."""
    assert load_command(name).parser().prog == f"qabel-drop {name}"
    done = drop_command(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: qabel-drop {name} [-h] [--")
    done = drop_command(name, "--frob")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
