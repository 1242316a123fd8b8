"""``qabel module``; with a module that runs, see ``tests/modules/test_notes_package.py``."""

from qabel.cli.errors import ExitStatus
from qabel.cli.module import _state
from tests.cli.conftest import QabelCommand


def test_a_module_that_does_not_run(bob: QabelCommand) -> None:
    """It is not in the list, and no other is known."""
    assert [each["name"] for each in bob.json("module", "list")] == ["chat"]
    result = bob("module", "rebuild", "notes")
    assert result.exit_status == ExitStatus.NOT_FOUND
    assert result.err == "qabel: No module notes runs. Run: qabel module list\n"


def test_states() -> None:
    """Of a module that is being built the list says how far it is."""
    assert _state({"state": "running", "done": 1.0}) == "running"
    assert _state({"state": "building", "done": 0.256}) == "building, 26%"
