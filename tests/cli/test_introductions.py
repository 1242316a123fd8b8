"""What people are shown of strangers who introduce themselves."""

from pathlib import Path
from typing import Any

from attrs import define

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.introductions import MOST_NOTES, introduced_as, note_on, notes_on
from qabel.cli.names import Names


@define
class KnownNames(Names):
    """The names of somebody who has one contact."""

    def is_contacts(self, alias: str) -> bool:
        """Return whether it is that one."""
        return alias == "Mum"


NAMES = KnownNames(ApiClient(DaemonAddress(Path("/nonexistent")), None))


def message(number: int = 12, sender: str = "5e", alias: str = "Eve", **more: Any) -> Any:
    """Return a message of somebody unknown."""
    given = {"id": number, "sender": sender * 32, "identity_id": 1, "contact_id": None}
    return {**given, "meta_data": {"alias": alias}, **more}


def test_how_to_accept() -> None:
    """The note has the key, which nobody else can have, and the command."""
    assert note_on(message(), NAMES) == (
        "<5e5e5e5e…> introduces itself as Eve. Accept with: qabel contact accept 12"
    )


def test_the_name_of_a_contact() -> None:
    """Who takes the name of a contact is pointed out."""
    note = note_on(message(alias="Mum"), NAMES)
    assert note is not None
    assert "as Mum, but does not have the key of your contact. Accept" in note


def test_no_note_on_others() -> None:
    """Contacts, and strangers who say nothing of themselves, need no note."""
    plain = message()
    del plain["meta_data"]
    contact = {**plain, "contact_id": 3, "announced": {"alias": "Bank"}}
    assert [note_on(each, NAMES) for each in (plain, contact)] == [None, None]
    assert [introduced_as(each) for each in (plain, contact)] == [None, "Bank"]


def test_names_are_harmless() -> None:
    """A name can neither control a terminal nor fill the screen."""
    name = introduced_as(message(alias="\x1b[2J" + "x" * 500))
    assert name is not None
    assert name.startswith(r"\x1b[2Jxxx")
    assert len(name) <= 40
    assert introduced_as(message(alias=" ")) == "somebody without a name"


def test_each_sender_once() -> None:
    """Each sender has one note, on its newest message, and there are not too many."""
    many = [message(number, f"{number % 10:02}") for number in range(30)]
    notes = notes_on([*many, message(99, "00")], NAMES)
    assert len(notes) == MOST_NOTES
    assert [note.split()[-1] for note in notes] == ["26", "27", "28", "29", "99"]
