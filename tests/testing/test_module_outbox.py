"""An outbox for modules in tests."""

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from qabel.modules.api import Entry, ModuleRead, Prepared, Received
from qabel.testing.module_desk import ModuleDesk
from tests.modules.conftest import NOTES


def answering(entries: Sequence[Entry], _: ModuleRead) -> Prepared:
    """Answer each message; one that says so to a stranger."""
    made = Prepared()
    for entry in entries:
        if isinstance(entry, Received):
            is_odd = entry.data["msg"] == "odd"
            key = b"\x05" * 32 if is_odd else entry.sender.key
            made.send(identity=entry.identity, recipient=key, kind="answer", data={"msg": "yes"})
    return made


def test_what_a_module_sends(tmp_path: Path) -> None:
    """It is in the outbox, and can be delivered; what cannot be sent is set aside."""
    with ModuleDesk.open(tmp_path, evolve(NOTES, prepare=answering)) as desk:
        desk.start()
        desk.receive({"msg": "Hello?"})
        desk.receive({"msg": "odd"})
        desk.settle()
        [(number, kind)] = desk.rows("SELECT id, model_object FROM sends")
        assert kind == "answer"
        desk.delivered(number)
        assert desk.rows("SELECT state FROM deliveries") == [("sent",)]
        [reason] = desk.set_aside()
        assert "not a contact" in reason
