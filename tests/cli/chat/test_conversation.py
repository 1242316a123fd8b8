"""The conversation that is meant is found by a contact, an identity or an id."""

import pytest

from qabel.cli.chat.conversation import NOBODY, find_conversation, other_side
from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from tests.cli.chat.conftest import Talkers


def client_of(talkers: Talkers) -> Session:
    """Return a session with Alice's daemon."""
    return Session({"data_dir": str(talkers.alice.directory)}, Output())


def test_by_contact_and_by_id(talkers: Talkers) -> None:
    """It is opened if there is none yet, and then it is always the same."""
    client = client_of(talkers).client
    found = find_conversation(client, "bob", None)
    assert (found.own, found.other, found.is_notes) == ("Alice", "Bob", False)
    assert find_conversation(client, found.id, None).contact_id == found.contact_id
    assert find_conversation(client, f"id:{found.contact_id}", "Alice") == found
    assert found.path == f"/chat/conversations/{found.id}/messages"


def test_notes(talkers: Talkers) -> None:
    """They are found by the own alias too, since no contact has it."""
    client = client_of(talkers).client
    found = find_conversation(client, None, None, notes=True)
    assert found.is_notes
    assert (found.own, found.other) == ("Alice", "Notes")
    assert find_conversation(client, "Alice", None).id == found.id
    assert find_conversation(client, None, "Alice", notes=True).id == found.id


def test_several_identities(talkers: Talkers) -> None:
    """What is not clear is asked for, and what belongs to another identity is not found."""
    client = client_of(talkers).client
    [bob] = [each for each in client.get("/contacts") if each["alias"] == "Bob"]
    carol = client.post("/identities", {"alias": "Carol"})
    same = {"alias": "Bob", "public_key": bob["public_key"], "drop_urls": bob["drop_urls"]}
    client.post("/contacts/import", {"contacts": [same]}, identity=carol["id"])
    with pytest.raises(CommandError) as caught:
        find_conversation(client, "Bob", None)
    assert "pass --identity" in caught.value.hint
    assert find_conversation(client, "Bob", "Carol").own == "Carol"
    with pytest.raises(CommandError) as caught:
        find_conversation(client, None, None, notes=True)
    assert caught.value.hint == "Pass --identity"
    with pytest.raises(CommandError) as caught:
        find_conversation(client, "Alice", "Carol")
    assert caught.value.exit_status == ExitStatus.NOT_FOUND
    client.delete(f"/identities/{carol['id']}")


@pytest.mark.parametrize("ref", ["nobody", "0" * 32])
def test_nobody(talkers: Talkers, ref: str) -> None:
    """What does not exist is not found."""
    with pytest.raises(CommandError) as caught:
        find_conversation(client_of(talkers).client, ref, None)
    assert caught.value.exit_status == ExitStatus.NOT_FOUND


def test_what_the_other_side_is_called() -> None:
    """By its alias, or else its key, as far as it is known."""
    assert other_side({"alias": "Bob"}) == "Bob"
    assert other_side({"alias": " ", "public_key": "ab" * 32}) == "<abababab…>"
    assert other_side({"alias": None}) == NOBODY
