"""File names: the command, which does not import the daemon, has the same ones."""

from qabel import daemon
from qabel.cli import paths
from qabel.store import file_names


def test_command_and_daemon_agree() -> None:
    """The command and the daemon find the same files in a data directory."""
    assert paths.DATABASE == file_names.DATABASE
    assert paths.KEY == file_names.KEY
    assert paths.TOKEN == file_names.TOKEN
    assert paths.SOCKET == daemon.SOCKET
