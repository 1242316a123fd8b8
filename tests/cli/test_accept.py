"""``qabel contact accept``: two people who never met, of whom one has only the other's card."""

from collections.abc import Iterator

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import ANYWHERE, QabelCommand, arrived
from tests.integration.processes import Twistd


@pytest.fixture
def carol(
    people: dict[str, QabelCommand], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QabelCommand]:
    """Return the command as somebody runs it who has only Bob's card."""
    folder = tmp_path_factory.mktemp("carol")
    folder.chmod(0o700)
    arguments = ["qabel-rest", f"--listen={ANYWHERE}", f"--data-dir={folder / 'carol'}"]
    with Twistd(folder / "logs", *arguments) as daemon:
        daemon.wait_for(r"listens on .*rest.sock")
        command = QabelCommand(folder / "carol")
        [server] = people["alice"].json("server")
        command.json("server", "add", server["url"])
        command.json("identity", "new", "Carol")
        command.json("settings", "set", "poll_interval", "0.5")
        card = people["bob"]("identity", "card", "Bob").out
        command.json("contact", "import", "-", stdin=card.encode())
        yield command
        # Nothing of it is in the way of other tests.
        [me] = command.json("identity", "list")
        bob = people["bob"]
        for message in bob.json("inbox", "--all"):
            if message["sender"] == me["public_key"]:
                bob("inbox", "delete", str(message["id"]), "--yes")


def test_one_message_is_enough(carol: QabelCommand, bob: QabelCommand) -> None:
    """The listing says how to accept who wrote; then both can write, and nobody says it again."""
    [sent] = carol.json("send", "Bob", "we have not met")
    assert sent["recipients"][0]["introduced"]
    number = str(arrived(bob, "we have not met")["id"])
    hint = f"introduces itself as Carol. Accept with: qabel contact accept {number}\n"
    listed = bob("inbox")
    assert hint in listed.err
    assert "Accept" not in listed.out
    shown = bob("inbox", "show", number)
    assert hint in shown.err
    assert "Introduced as  Carol\n" in shown.out
    accepted = bob("contact", "accept", number)
    assert accepted.exit_status == 0, accepted.err
    [contact] = bob.json("contact", "show", "Carol")
    assert accepted.out == f"Added Carol (id {contact['id']}).\n"
    assert f"qabel contact verify id:{contact['id']}" in accepted.err
    assert ", from a message\n" in bob("contact", "show", "Carol").out
    assert "Accept with" not in bob("inbox").err
    assert any("Carol" in line for line in bob("inbox").out.splitlines() if "not met" in line)
    again = bob("contact", "accept", number)
    assert again.exit_status == ExitStatus.FAILURE
    assert "contact already" in again.err
    bob.json("send", "Carol", "now we have")
    arrived(carol, "now we have")
    [sent] = carol.json("send", "Bob", "good")
    assert not sent["recipients"][0]["introduced"]
    message = arrived(bob, "good")
    assert (message["contact_id"], "announced" in message) == (contact["id"], False)
    bob("contact", "delete", "Carol", "--yes")


def test_a_known_name(carol: QabelCommand, bob: QabelCommand) -> None:
    """Who takes the name of a contact is pointed out; another name can be chosen."""
    carol.json("identity", "rename", "Carol", "Alice")
    carol.json("send", "Bob", "it is me, Alice", "--introduce")
    number = str(arrived(bob, "it is me, Alice")["id"])
    assert "does not have the key of your contact" in bob("inbox").err
    accepted = bob("contact", "accept", number)
    assert "another key than your contact of the same name" in accepted.err
    [added] = [each for each in bob.json("contact", "list") if each["introduced"]]
    bob("contact", "delete", str(added["id"]), "--yes")
    accepted = bob("contact", "accept", number, "--alias", "Mallory")
    assert accepted.out.startswith("Added Mallory (id ")
    assert "same name" not in accepted.err
    bob("contact", "delete", "Mallory", "--yes")


def test_what_cannot_be_accepted(carol: QabelCommand, bob: QabelCommand) -> None:
    """Without a message, or without an introduction in it, the error says what to do."""
    assert bob("contact", "accept", "99999").exit_status == ExitStatus.NOT_FOUND
    [sent] = carol.json("send", "Bob", "guess who", "--no-introduce")
    assert not sent["recipients"][0]["introduced"]
    number = str(arrived(bob, "guess who")["id"])
    assert "Accept with" not in bob("inbox", "-n", "1").err
    refused = bob("contact", "accept", number)
    assert refused.exit_status == ExitStatus.FAILURE
    assert "qabel contact import FILE" in refused.err
