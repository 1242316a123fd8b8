"""What a module reads with."""

from qabel.modules.tools import ModuleRead, read_message
from tests.modules.conftest import Desk


def test_a_message_by_its_id(desk: Desk) -> None:
    """A received message is read by its id, whatever its kind; None of one that is not there."""
    first, second = desk.receive("one", "two", kind="other")
    desk.send()
    read = ModuleRead(desk.database.side.read, None)  # type: ignore[arg-type]
    found = read.message(second)
    assert found is not None
    assert (found.message_id, found.kind, found.data) == (second, "other", {"msg": "two"})
    desk.rows(f"DELETE FROM messages WHERE id = {first}")
    assert [read_message(desk.database.side.read, each) for each in (first, 3, 99)] == [None] * 3
    assert read("SELECT count(*) FROM messages") == [(1,)]
