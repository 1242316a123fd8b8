"""The commands of ``qabel-block``, by name; without one, it runs the server."""

from collections.abc import Mapping

from qabel.host.server_commands import ServerCommand, load_server_command

COMMANDS: Mapping[str, str] = {
    "token": "Make, list and revoke the tokens of those who may store files",
    "check": "Say whether the index and the objects are whole, and how full the server is",
}
"""What each does. With ``--help``, it shows its options."""


def load_block_command(name: str) -> ServerCommand:
    """Return the module of a command."""
    return load_server_command("qabel.blockserver", name)
