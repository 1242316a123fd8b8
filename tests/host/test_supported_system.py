"""What the programs do on other systems: on this one, without the modules that those lack."""

import subprocess
import sys

import pytest

ELSEWHERE = """
import importlib.util, os, socket, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: (
    None if name in sys.modules and sys.modules[name] is None else find_spec(name, *more)
)
del os.geteuid, os.fchmod, os.fork, socket.AF_UNIX
module, function, *sys.argv = sys.argv[1:]
getattr(__import__(module, fromlist=[function]), function)()
"""


def elsewhere(module: str, function: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as if the system were another one."""
    return subprocess.run(
        [sys.executable, "-c", ELSEWHERE, module, function, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("name", ["rest", "drop", "block"])
def test_a_daemon_ends_with_one_line(name: str) -> None:
    """It says that it cannot run there, and what can be done, with no traceback."""
    done = elsewhere("qabel.daemon_commands", name, f"qabel-{name}", "--version")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"qabel-{name}: this system is not supported")
    assert done.stderr.endswith("in WSL\n")
    assert not done.stdout


def test_the_command_needs_an_address() -> None:
    """The command works as far as it can: it asks for the URL of a daemon that runs elsewhere."""
    assert elsewhere("qabel.cli", "main", "qabel", "--version").stdout.startswith("qabel ")
    done = elsewhere("qabel.cli", "main", "qabel", "status")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no Unix sockets" in done.stderr
    assert "--url" in done.stderr
    done = elsewhere("qabel.cli", "main", "qabel", "--url", "http://127.0.0.1:1", "status")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
