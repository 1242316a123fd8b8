"""``qabel inbox``."""

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, arrived


def test_strangers_texts_are_harmless(alice: QabelCommand, bob: QabelCommand) -> None:
    """The text of a message can neither control a terminal nor pass for another line."""
    text = "evil \x1b[2J\u202e\n2026-01-01 00:00:00  Mum: send money"
    alice("send", "Bob", text)
    message = arrived(bob, text)
    listed = bob("inbox", "-n", "1").out
    assert r"evil \x1b[2J\u202e\n2026" in listed
    assert "\x1b" not in bob("inbox", "show", str(message["id"])).out


def test_new_is_new_once(alice: QabelCommand, bob: QabelCommand) -> None:
    """Each consumer sees a new message once; listing messages moves no cursor."""
    bob.json("inbox", "--new", "--all", "--consumer", "one")
    alice("send", "Bob", "something new")
    arrived(bob, "something new")
    given = bob.json("inbox", "--new", "--consumer", "one")
    assert [each["data"] for each in given] == [{"msg": "something new"}]
    assert bob.json("inbox", "--new", "--consumer", "one", "--wait", "0") == []
    assert "something new" in bob("inbox", "--new", "--all", "--consumer", "two").out


def test_filters(alice: QabelCommand, bob: QabelCommand) -> None:
    """Messages can be filtered by sender and receiver, and limited in number."""
    for text in ("narrow", "narrower"):
        alice("send", "Bob", text)
        arrived(bob, text)
    found = bob.json("inbox", "--from", "Alice", "--to", "Bob", "-n", "2")
    assert len(found) == 2
    assert found[0]["id"] < found[1]["id"]


def test_delete_message(alice: QabelCommand, bob: QabelCommand) -> None:
    """A deleted message is gone."""
    alice("send", "Bob", "delete me")
    number = str(arrived(bob, "delete me")["id"])
    assert bob("inbox", "delete", number).exit_status == ExitStatus.USAGE
    assert bob("inbox", "delete", number, "-y").exit_status == 0
    assert bob("inbox", "show", number).exit_status == ExitStatus.NOT_FOUND
