"""``qabel doctor``."""

import re
import tempfile
from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, call
from tests.cli.prepared_server import prepared_server


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
    assert re.search(r"Start one: \S*qabel-rest --data-dir", result.out)


def test_doctor_does_not_refer_to_itself() -> None:
    """A daemon that accepts connections but does not respond is to be restarted."""
    with (
        tempfile.TemporaryDirectory(prefix="qabel") as name,
        prepared_server(Path(name) / "rest.sock", lambda _: b""),
    ):
        result = call("--data-dir", name, "doctor")
    assert result.exit_status == ExitStatus.UNREACHABLE
    assert "closed the connection" in result.out
    assert "restart it" in result.out
    assert "qabel doctor" not in result.out.replace("qabel doctor --key", "")
