"""``qabel contact block``, ``unblock`` and ``blocked``."""

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand

KEY = "0b" * 32


def test_blocking_a_contact(alice: QabelCommand) -> None:
    """A contact is blocked by its name, listed with it, and unblocked by it."""
    assert alice("contact", "block", "Bob").out == "Blocked Bob.\n"
    [blocked] = alice.json("contact", "blocked")
    assert blocked["public_key"] == alice.json("contact", "show", "Bob")[0]["public_key"]
    assert "Bob" in alice("contact", "blocked").out
    assert alice("contact", "block", "Bob").exit_status != 0
    assert alice("contact", "unblock", "Bob").out == "Unblocked Bob.\n"
    assert alice("contact", "unblock", "Bob").exit_status == ExitStatus.NOT_FOUND
    assert alice.json("contact", "blocked") == []


def test_blocking_a_stranger(alice: QabelCommand) -> None:
    """Anybody can be blocked by the public key."""
    assert alice("contact", "block", KEY.upper()).exit_status == 0
    assert [each["public_key"] for each in alice.json("contact", "blocked")] == [KEY]
    assert alice("contact", "unblock", KEY).exit_status == 0
    assert alice("contact", "block", "Nobody").exit_status == ExitStatus.NOT_FOUND
