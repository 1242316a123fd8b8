"""A journal to which a test adds; see also ``test_module_desk.py``."""

from pathlib import Path

from qabel.testing.module_desk import ModuleDesk
from tests.testing.test_module_desk import MODULE


def test_what_is_in_it(tmp_path: Path) -> None:
    """Messages stand in the inbox and the outbox as in a daemon, and are deleted as there."""
    with ModuleDesk.open(tmp_path, MODULE) as desk:
        first, second = desk.receive({"text": "one"}), desk.receive({"text": "two"})
        send = desk.send({"text": "three"})
        assert desk.rows("SELECT id FROM sends") == [(send,)]
        assert desk.rows("SELECT state FROM deliveries") == [("queued",)]
        desk.delivered(send)
        assert desk.rows("SELECT state FROM deliveries") == [("sent",)]
        desk.delete(first)
        assert desk.rows("SELECT id, sender FROM messages") == [(second, desk.contact)]
        desk.clock.advance(60)
        assert desk.now() == 1_800_000_060.0
