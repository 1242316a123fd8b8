"""``qabel server``."""

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand


def test_servers(bob: QabelCommand) -> None:
    """Drop servers are added and removed without a change to the others."""
    before = bob.json("server")
    [added] = bob.json("server", "add", "https://drop.example.org")
    assert bob("server").out.count("\n") == len(before) + 2
    assert added["preferred"] is False
    bob.json("server", "prefer", "https://drop.example.org/")
    assert bob.json("server", "list")[0]["id"] == added["id"]
    bob.json("server", "remove", str(added["id"]))
    assert bob.json("server", "list") == before
    assert bob("server", "remove", "https://drop.example.org").exit_status == ExitStatus.NOT_FOUND
    assert bob("server", "add", "nonsense").exit_status == ExitStatus.FAILURE


def test_testing(bob: QabelCommand) -> None:
    """A server that responds, and one that does not, in the list or not."""
    [server] = bob.json("server")
    for name in (str(server["id"]), server["url"]):
        assert "A drop server responded" in bob("server", "test", name).out
    failed = bob("server", "test", "http://127.0.0.1:1")
    assert failed.exit_status == ExitStatus.FAILURE
    assert "127.0.0.1:1" in failed.err
