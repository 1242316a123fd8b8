"""The commands of a server's program, beside the one that runs it. Nothing here knows Qabel."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from attrs import frozen

from qabel.host.data_directory import choose_data_directory


class ServerCommand(Protocol):
    """The module of a command."""

    def run(self, arguments: Sequence[str], /) -> int:
        """Run the command, and return its exit status."""

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of its command line."""


def load_server_command(package: str, name: str) -> ServerCommand:
    """Return the module of a command; the others are not loaded, as that takes time.

    Args:
        package: of the server: the command is in its module ``NAME_command``.
        name: of the command.

    """
    return cast("ServerCommand", import_module(f"{package}.{name}_command"))


@frozen
class ServerProgram:
    """A server's program: how its commands find the data of the server."""

    name: str
    variable: str
    """Of the environment, with the data directory."""

    def parser(self, command: str, description: str) -> argparse.ArgumentParser:
        """Return a parser with the option that commands have in common.

        Args:
            command: the name of the command, with that of the program.
            description: what it does.

        """
        parser = argparse.ArgumentParser(command, description=description, allow_abbrev=False)
        parser.add_argument(
            "--data-dir",
            metavar="DIR",
            help=f"the data directory of the server [default: ${self.variable}, or per user]",
        )
        return parser

    def directory(self, given: str | None) -> Path:
        """Return the data directory that an option means; None if it is not given."""
        return choose_data_directory(given, variable=self.variable, name=self.name)
