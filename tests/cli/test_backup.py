"""``qabel backup``."""

from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call


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


def test_a_key_that_cannot_be_read(alice: QabelCommand) -> None:
    """The backup is there, and the error says that its key is not, and where that is."""
    key = alice.directory / "database-key"
    key.rename(alice.directory / "moved")
    try:
        result = alice("backup", "lonely", "--with-key")
    finally:
        (alice.directory / "moved").rename(key)
    assert result.exit_status == ExitStatus.FAILURE
    assert "Wrote the backup" in result.err
    assert f"The key is in the file {key}: copy it yourself" in result.err
    assert (alice.directory / "backups" / "lonely").exists()


def test_the_key_of_another_machine() -> None:
    """The key cannot be copied from there, so no backup is made."""
    result = call("--url", "https://daemon.example", "backup", "--with-key")
    assert result.exit_status == ExitStatus.USAGE
    assert "needs the data directory of the daemon" in result.err
