"""``qabel restore``."""

import shutil
from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call, one_line
from tests.integration.client import Api
from tests.integration.processes import Twistd


def test_a_backup_becomes_a_running_daemon(alice: QabelCommand, tmp_path: Path) -> None:
    """A backup that was made with its key is restored, and a daemon runs on it."""
    backup = Path(alice.json("backup", "restored.db", "--with-key")[0]["path"])
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for each in (backup, backup.with_name("restored.db.key")):
        shutil.move(each, moved)
    new = tmp_path / "new"
    result = call("restore", str(moved / "restored.db"), "--data-dir", str(new))
    assert result.exit_status == ExitStatus.OK, result.err
    assert f"Restored {new / 'qabel.db'}" in result.out
    assert "Tokens that were revoked" in result.err
    with Twistd(
        tmp_path / "log", "qabel-rest", f"--data-dir={new}", "--listen=tcp:0:interface=127.0.0.1"
    ) as daemon:
        daemon.wait_for(r"listens on .*rest\.sock")
        assert [each["alias"] for each in Api(new).good("GET", "/identities")] == ["Alice"]
        daemon.stop()
    again = call("restore", str(moved / "restored.db"), "--data-dir", str(new))
    assert again.exit_status == ExitStatus.FAILURE
    assert "has a database already" in one_line(again)
