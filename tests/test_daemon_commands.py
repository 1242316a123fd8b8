"""The commands of the daemons; tests/integration starts them as people do."""

import subprocess
import sys
from importlib.metadata import version

import pytest


@pytest.mark.parametrize("name", ["rest", "drop", "block"])
def test_version_and_help(name: str) -> None:
    """Each command says its own name and the version of the package, and nothing of twistd."""
    code = f"from qabel.daemon_commands import {name}; {name}()"

    def said(option: str) -> str:
        command = [sys.executable, "-c", code, option]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said("--version") == f"qabel-{name} {version('qabel')}\n"
    page = said("--help")
    assert page == said("-h")
    assert page.startswith(f"Usage: qabel-{name} [options]\n")
    assert "twistd" not in page.lower()


def test_the_module_is_the_command_line() -> None:
    """``python -m qabel`` is ``qabel``, by name too."""
    command = [sys.executable, "-m", "qabel", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: qabel [OPTIONS]")
