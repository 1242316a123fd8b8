"""The commands of ``qabel-drop``, by name; without one, it runs the server."""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

COMMANDS: Mapping[str, str] = {
    "check": "Say whether the message file or the database is whole, and what is in it",
    "purge": "Delete what a flood of posts to made-up drops has left",
    "backup": "Write a copy of the message file, also while the server runs",
    "restore": "Make a message file out of such a copy",
    "configure": "Change how long a database keeps messages, and how many",
    "capacity": "Say what drop servers for many users need",
}
"""What each does. With ``--help``, it shows its options."""


class DropCommand(Protocol):
    """The module of a command."""

    def run(self, arguments: Sequence[str], /) -> int:
        """Run the command, and return its exit status."""

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of its command line."""


def load_command(name: str) -> DropCommand:
    """Return the module of a command; the others are not loaded, as that takes time."""
    return cast("DropCommand", import_module(f"qabel.dropserver.{name}_command"))
