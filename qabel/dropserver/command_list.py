"""The commands of ``qabel-drop``, by name; without one, it runs the server."""

from collections.abc import Mapping

from qabel.host.server_commands import ServerCommand, load_server_command

COMMANDS: Mapping[str, str] = {
    "check": "Say whether the message file or the database is whole, and what is in it",
    "purge": "Delete what a flood of posts to made-up drops has left",
    "backup": "Write a copy of the message file, also while the server runs",
    "restore": "Make a message file out of such a copy",
    "configure": "Change how long a database keeps messages, and how many",
    "capacity": "Say what drop servers for many users need",
}
"""What each does. With ``--help``, it shows its options."""


def load_command(name: str) -> ServerCommand:
    """Return the module of a command."""
    return load_server_command("qabel.dropserver", name)
