"""``qabel backup``."""

from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand


def test_backup(alice: QabelCommand) -> None:
    """A backup never overwrites another one, and people are reminded of the key."""
    made = alice("backup", "first")
    assert f"Wrote {alice.directory / 'backups' / 'first'}" in made.out
    assert "database-key" in made.err
    assert alice("backup", "first").exit_status == ExitStatus.FAILURE
    assert Path(alice.json("backup")[0]["path"]).exists()
