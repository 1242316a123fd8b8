"""The commands of ``qabel-block``, by name; without one, it runs the server."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import cast

COMMANDS: Mapping[str, str] = {
    "token": "Make, list and revoke the tokens of those who may store files",
    "check": "Say whether the index and the objects are whole, and how full the server is",
}
"""What each does. With ``--help``, it shows its options."""


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run a command, and return its exit status. The others are not loaded: that takes time."""
    run = import_module(f"qabel.blockserver.{name}_command").run
    return cast("Callable[[Sequence[str]], int]", run)(arguments)
