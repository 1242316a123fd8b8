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


def test_with_its_key(alice: QabelCommand) -> None:
    """The key is written beside the backup, for its owner alone, and what that means is said."""
    made = alice("backup", "keyed", "--with-key")
    key = alice.directory / "backups" / "keyed.key"
    assert key.read_bytes() == (alice.directory / "database-key").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert "unprotected" in made.err
    (alice.directory / "backups" / "keyed").unlink()
    again = alice("backup", "keyed", "--with-key")
    assert again.exit_status == ExitStatus.FAILURE
    assert not (alice.directory / "backups" / "keyed").exists()


def test_without_a_key_in_the_directory(tmp_path: Path) -> None:
    """Where the key is kept elsewhere, no backup is made before that is said."""
    result = QabelCommand(tmp_path)("backup", "keyed", "--with-key")
    assert result.exit_status == ExitStatus.NOT_FOUND
    assert "stored elsewhere" in result.err
