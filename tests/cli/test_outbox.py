"""``qabel outbox``."""

from tests.cli.conftest import QabelCommand


def test_queued(alice: QabelCommand) -> None:
    """If the drop server is down, the message is queued, and can be deleted."""
    away = f"http://127.0.0.1:1/{'a' * 43}"
    contact = alice.json("contact", "add", "Away", "3" * 64, away)[0]
    result = alice("send", "Away", "later")
    assert result.exit_status == 0
    assert "The daemon will keep trying" in result.out
    [waiting] = alice.json("outbox", "--waiting")
    assert "queued" in alice("outbox", "list", "--waiting").out
    assert waiting["recipients"][0]["reason"] in alice("outbox", "list", "--waiting").out
    assert "Attempts" in alice("outbox", "show", str(waiting["id"])).out
    alice.json("outbox", "delete", str(waiting["id"]), "--yes")
    assert alice.json("outbox", "--waiting") == []
    alice.json("contact", "delete", str(contact["id"]), "--yes")
