"""``qabel doctor``."""

from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call


def test_doctor(alice: QabelCommand) -> None:
    """All checks pass, and each is shown."""
    result = alice("doctor")
    assert result.exit_status == 0, result.out
    names = {each["check"] for each in alice.json("doctor")}
    assert {"directory", "key", "token", "daemon", "server", "people", "outbox", "clock"} <= names


def test_doctor_without_a_daemon(tmp_path: Path) -> None:
    """Without a daemon, it says how to start one, and ends with exit status 3."""
    result = call("--data-dir", str(tmp_path / "none"), "doctor")
    assert result.exit_status == ExitStatus.UNREACHABLE
    assert "FAIL  daemon" in result.out
    assert "twistd -n qabel-rest" in result.out
