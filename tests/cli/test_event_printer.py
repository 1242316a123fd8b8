"""Events as people and programs see them."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.event_printer import EventPrinter
from qabel.cli.names import Names
from qabel.cli.output import Output
from qabel.cli.sse import Event
from tests.cli.prepared_server import json_response, prepared_server

STAMP = 19
"""Characters of the time at the beginning of a line."""


@define(eq=False)
class Screen:
    """A printer whose output is kept in memory, over a daemon with these people."""

    people: dict[str, list[dict[str, Any]]]
    client: ApiClient
    out: io.StringIO = field(factory=io.StringIO)

    def printer(self, *, as_json: bool = False) -> EventPrinter:
        """Return a printer that knows no names yet."""
        return EventPrinter(Output(as_json, self.out, io.StringIO()), Names(self.client))

    def lines(self) -> list[str]:
        """Return the lines that were printed, without their times."""
        return [line[STAMP + 2 :] for line in self.out.getvalue().splitlines()]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """Run a daemon that knows Alice and her contact Bob."""
    path = tmp_path / "rest.sock"
    people = {
        "/identities": [{"id": 1, "alias": "Alice"}],
        "/contacts": [{"id": 2, "alias": "Bob"}],
    }
    with prepared_server(path, lambda target: json_response(people[target])):
        yield Screen(people, ApiClient(DaemonAddress(path), None))


def message(text: str, **more: Any) -> Event:
    """Return the event of a message from Bob to Alice."""
    data = {
        "contact_id": 2,
        "sender": "b" * 64,
        "identity_id": 1,
        "received": 1_800_000_000_000,
        "model_object": "chat",
        "data": {"msg": text},
        **more,
    }
    return Event("drop", json.dumps(data), "db.5")


def outbox(**more: Any) -> Event:
    """Return the event of a change in the outbox."""
    data = {
        "time": 1_800_000_000_000,
        "id": 7,
        "contact_id": 2,
        "recipient": "b" * 64,
        "state": "sent",
        "acknowledged": None,
        "reason": None,
        **more,
    }
    return Event("outbox", json.dumps(data), "db.6")


def test_programs_get_json(screen: Screen) -> None:
    """A program gets one line of JSON an event, with its kind and its cursor, and no names."""
    printer = screen.printer(as_json=True)
    for event in (message("a\nb"), outbox(), Event("settings", "{}", "db.7")):
        printer.print(event)
    values = [json.loads(line) for line in screen.out.getvalue().splitlines()]
    assert [(each["kind"], each["place"]) for each in values] == [
        ("drop", "db.5"),
        ("outbox", "db.6"),
        ("settings", "db.7"),
    ]
    assert values[0]["data"] == {"msg": "a\nb"}


def test_messages(screen: Screen) -> None:
    """A message has the name of its sender, and a stranger's has the beginning of the key."""
    printer = screen.printer()
    printer.print(message("Hello"))
    printer.print(message("Hi", contact_id=None, sender="c" * 64))
    assert screen.lines() == ["Bob: Hello", "<cccccccc…>: Hi"]


def test_lines_of_a_message(screen: Screen) -> None:
    """A text of several lines cannot pass for several messages, and controls no terminal."""
    screen.printer().print(message("one\n2026-01-01 00:00:00  Mum: two\x1b[2J"))
    assert screen.lines() == ["Bob: one", r"| 2026-01-01 00:00:00  Mum: two\x1b[2J"]


def test_several_identities(screen: Screen) -> None:
    """Somebody with several identities sees which one a message is for."""
    screen.people["/identities"].append({"id": 3, "alias": "Work"})
    screen.printer().print(message("Hello", identity_id=3))
    assert screen.lines() == ["Bob → Work: Hello"]


def test_new_contact(screen: Screen) -> None:
    """The name of a contact that was added meanwhile is looked up."""
    printer = screen.printer()
    printer.print(message("Hello"))
    screen.people["/contacts"].append({"id": 4, "alias": "Carol"})
    printer.print(message("Hi", contact_id=4))
    assert screen.lines() == ["Bob: Hello", "Carol: Hi"]


def test_renamed_contact(screen: Screen) -> None:
    """After a change of the synced settings, which have the names, they are looked up again."""
    printer = screen.printer()
    printer.print(message("one"))
    screen.people["/contacts"][0]["alias"] = "Robert"
    printer.print(message("two"))
    printer.print(Event("synced", '{"time": 1800000000000}', "db.9"))
    printer.print(message("three"))
    first, second, _, third = screen.lines()
    assert [first, second, third] == ["Bob: one", "Bob: two", "Robert: three"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "sent to Bob"),
        ({"state": "queued", "reason": "timed out"}, "queued for Bob (timed out)"),
        ({"state": "failed", "reason": "no drops"}, "failed for Bob (no drops)"),
        ({"acknowledged": 1_800_000_000_000}, "acknowledged by Bob"),
        ({"state": "strange"}, "strange for Bob"),
        ({"contact_id": None}, "sent to <bbbbbbbb…>"),
    ],
)
def test_outbox(screen: Screen, change: dict[str, Any], words: str) -> None:
    """A change in the outbox says which send it is, what became of it, for whom, and why."""
    screen.printer().print(outbox(**change))
    assert screen.lines() == [f"outbox 7: {words}"]


def test_settings(screen: Screen) -> None:
    """Changes of the two settings documents are told apart, and show no values."""
    for kind in ("settings", "synced"):
        screen.printer().print(Event(kind, '{"time": 1800000000000, "poll_interval": 77}', "db.1"))
    local, synced = screen.lines()
    assert local != synced
    assert "77" not in local + synced


def test_strangers_are_pointed_out_once(screen: Screen) -> None:
    """How to accept a stranger who introduces itself is said with its first message only."""
    printer = screen.printer()
    message = {
        "id": 12,
        "sender": "5e" * 32,
        "received": 0,
        "identity_id": 1,
        "contact_id": None,
        "model_object": "chat",
        "data": {"msg": "Hello"},
        "meta_data": {"alias": "Eve"},
    }
    for _ in range(2):
        printer.print(Event("drop", json.dumps(message), "db.5"))
    assert len(screen.lines()) == 2
    notes = printer.output.err
    assert isinstance(notes, io.StringIO)
    assert notes.getvalue().count("qabel contact accept 12") == 1
