"""Clients that generators make of /openapi.json: they type-check, and work against a daemon.

The programs are those of docs/programs.rst.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.clients.conftest import EXAMPLES
from tests.integration.daemons import Daemon
from tests.integration.processes import ROOT

TYPESCRIPT = ROOT / "tests" / "clients" / "typescript"

TALK = [
    "Hello: sent",
    "read: Hello",
    "Are you there?: sent",
    "followed: Are you there?",
    "Is anybody there?: not sent, 404: Recipient 1 of 1 is not a contact of the sender.",
]

PAGE = (ROOT / "docs" / "programs.rst").read_text()


def documented(command: str, daemon: Daemon) -> list[str]:
    """Return a command of the page, with the URL of a daemon."""
    assert f"\n    {command}\n" in PAGE
    return command.replace("http://127.0.0.1:9696", url(daemon)).split()


MYPY = """
[mypy]
strict = true
# The same in all clients: the generator's own.
[mypy-qabel_client.client]
ignore_errors = true
"""


def run(folder: Path, daemon: Daemon, *command: str) -> str:
    """Run a command in a folder, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "QABEL_URL": url(daemon),
            "QABEL_DATA_DIR": str(daemon.directory),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def url(daemon: Daemon) -> str:
    """Return where a daemon listens."""
    return f"http://127.0.0.1:{daemon.process.port('qabel-rest')}"


def results(module: Path) -> Iterable[str]:
    """Return the types of what an operation of the Python client returns."""
    pattern = r"def _parse_response\([^)]*\) -> (.*?):\n    if "
    [found] = re.findall(pattern, module.read_text(), re.DOTALL)
    return [each.strip("\n ()") for each in found.split("|")]


@pytest.mark.skipif(
    find_spec("openapi_python_client") is None, reason="openapi-python-client is not installed"
)
def test_python_client(daemon: Daemon, tmp_path: Path) -> None:
    """It is made without a warning, every operation has a result, and the program talks."""
    generate = (
        "openapi-python-client generate --url http://127.0.0.1:9696/openapi.json --meta none "
        "--output-path qabel_client"
    )
    made = run(tmp_path, daemon, *documented(generate, daemon))
    assert made.strip() == "Generating qabel_client"
    modules = [each for each in tmp_path.glob("qabel_client/api/*/*.py") if each.stem[0] != "_"]
    contract = daemon.api.good("GET", "/openapi.json")
    assert len(modules) == sum(len(each) for each in contract["paths"].values())
    assert [each.stem for each in modules if {"Problem", "None"}.issuperset(results(each))] == []
    shutil.copy(EXAMPLES / "talk.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    run(tmp_path, daemon, sys.executable, "-m", "mypy", "talk.py", "qabel_client")
    assert run(tmp_path, daemon, sys.executable, "talk.py").splitlines() == TALK


def test_typescript_client(daemon: Daemon, packages: Path, tmp_path: Path) -> None:
    """The types say what may be sent and what is received, and the program talks."""
    for file in (EXAMPLES / "talk.ts", *TYPESCRIPT.glob("*.*")):
        shutil.copy(file, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)
    generate = "npx openapi-typescript http://127.0.0.1:9696/openapi.json -o qabel.d.ts"
    made = run(tmp_path, daemon, *documented(generate, daemon))
    assert "warning" not in made.lower()
    assert run(tmp_path, daemon, *documented("npx tsc", daemon)) == ""
    assert run(tmp_path, daemon, *documented("node talk.js", daemon)).splitlines() == TALK
