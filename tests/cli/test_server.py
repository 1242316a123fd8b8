"""``qabel server``."""

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand


def test_servers(bob: QabelCommand) -> None:
    """Drop servers are added and removed without a change to the others."""
    before = bob.json("server")
    [added] = bob.json("server", "add", "https://drop.example.org")
    assert bob("server").out.count("\n") == len(before) + 2
    bob.json("server", "remove", str(added["id"]))
    assert bob.json("server", "list") == before
    assert bob("server", "remove", "https://drop.example.org").exit_status == ExitStatus.NOT_FOUND
    assert bob("server", "add", "nonsense").exit_status == ExitStatus.FAILURE
