"""A module in a test: what happens to it, and what it does."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from qabel.forms.compound import Key, Object
from qabel.forms.errors import InvalidInput
from qabel.forms.plain import Integer
from qabel.modules.api import (
    DeliveryChanged,
    Entry,
    Heard,
    Module,
    ModuleRead,
    PeopleChanged,
    Prepared,
    Received,
    Sent,
    SettingsChanged,
)
from qabel.testing.module_desk import ModuleDesk

FORM = Object({"n": Key(Integer(0, 9), 5)})


def prepare(entries: Sequence[Entry], read: ModuleRead) -> Prepared:
    """Note each entry in a word."""
    made = Prepared()
    for entry in entries:
        word = describe(entry, read)
        made.write("INSERT INTO notes (seq, part, word) VALUES (?, ?, ?)",
                   (entry.place.seq, entry.place.part, word))  # fmt: skip
        made.tell("seen", {"word": word})
        made.pass_on(word)
    return made


def describe(entry: Entry, read: ModuleRead) -> str:
    """Return a word for an entry."""
    match entry:
        case Received():
            if entry.data["text"] == "raise":
                raise ValueError("a secret")
            known = {each.key: each.alias for each in read.tools.people.contacts()}
            return f"received from {known.get(entry.sender.key)}"
        case Sent():
            return f"sent to {entry.recipients[0].contact_id}"
        case DeliveryChanged():
            return f"{entry.state} {entry.acknowledged is not None}"
        case Heard():
            return f"heard {entry.kind} {read.tools.service('chat')}"
        case SettingsChanged():
            return f"settings {read.tools.settings.local['n']}"
        case PeopleChanged():
            return f"people {read.tools.settings.of_contact(1)['n']}"


MODULE = Module(
    name="notes",
    summary="Notes.",
    kinds={"note"},
    steps=[
        """
        CREATE TABLE notes (
            seq INTEGER, part INTEGER, word TEXT,
            message_id INTEGER REFERENCES messages ON DELETE CASCADE
        ) STRICT;
        """
    ],
    derived=["notes"],
    settings=FORM,
    contact_settings=FORM,
    hears={"chat.message"},
    prepare=prepare,
)


def words(desk: ModuleDesk) -> list[str]:
    """Return what the module has noted."""
    return [word for (word,) in desk.rows("SELECT word FROM notes ORDER BY seq, part")]


def test_all_that_happens(tmp_path: Path) -> None:
    """A module gets what it would get in the daemon."""
    with ModuleDesk.open(tmp_path, MODULE) as desk:
        desk.receive({"text": "one"})
        desk.receive({"text": "two"}, sender=bytes(31) + b"\x09")
        desk.receive({"text": "other"}, kind="box_message")
        send = desk.send({"text": "three"})
        desk.delivered(send)
        desk.acknowledged(send)
        desk.services["chat"] = "Hello"
        desk.tell("chat.message", {"id": 1})
        desk.tell("chat.unread", {"id": 1})
        desk.store({"n": 7})
        desk.store({"n": 8}, "1")
        assert words(desk) == [
            "received from Bob",
            "received from None",
            "sent to 1",
            "sent False",
            "sent True",
            "heard chat.message Hello",
            "settings 7",
            "people 8",
        ]
        assert desk.passed_on == words(desk)
        assert desk.events()[0] == ("notes.seen", {"word": "received from Bob"})
        with pytest.raises(InvalidInput):
            desk.store({"n": 99})
        assert desk.failure is None


def test_restarts_and_rebuilds(tmp_path: Path) -> None:
    """It goes on where it was, makes its tables anew, and is not told of what is old."""
    with ModuleDesk.open(tmp_path, MODULE) as desk:
        desk.stop()
        desk.receive({"text": "one"})
        assert words(desk) == []
        desk.start()
        assert len(words(desk)) == 1
        desk.passed_on.clear()
        desk.rebuild()
        assert len(words(desk)) == 1
        assert desk.passed_on == []
        assert desk.events()[-1] == ("module.rebuilt", {"module": "notes"})


def test_what_is_at_fault(tmp_path: Path) -> None:
    """It is set aside as in the daemon; a module that cannot run says why."""
    with ModuleDesk.open(tmp_path, MODULE) as desk:
        desk.receive({"text": "raise"})
        desk.receive({"text": "fine"})
        desk.settle()
        assert words(desk) == ["received from Bob"]
        [reason] = desk.set_aside()
        assert reason.startswith("ValueError at test_module_desk.py:")
    (tmp_path / "other").mkdir()
    broken = evolve(MODULE, steps=["CREATE TABLE other (id INTEGER) STRICT;"])
    with ModuleDesk.open(tmp_path / "other", broken) as desk:
        assert "the table other" in str(desk.failure)
