"""What ``qabel doctor`` checks of a directory and of clocks."""

from pathlib import Path

import pytest

from qabel.cli.checks import CheckState, check_clock, check_directory, check_encryption
from qabel.host import socket_paths

NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
AN_HOUR_LATER = "Fri, 15 Jan 2027 09:00:00 GMT"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a data directory like a daemon's."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    for name in ("database-key", "api-token", "qabel.db"):
        (path / name).touch(0o600)
    return path


def states(path: Path, *, daemon_runs: bool = False) -> dict[str, CheckState]:
    """Return the outcome of each check."""
    return {each.name: each.state for each in check_directory(path, daemon_runs=daemon_runs)}


def test_a_good_directory(directory: Path) -> None:
    """All checks of a daemon's own directory pass."""
    found = states(directory)
    found.pop("disk", None)
    assert found == {"directory": CheckState.OK, "key": CheckState.OK, "token": CheckState.OK}


def test_no_directory(tmp_path: Path) -> None:
    """A missing directory fails, with a hint."""
    [check] = check_directory(tmp_path / "none", daemon_runs=False)
    assert check.state is CheckState.FAILED
    assert "--data-dir" in check.hint


def test_open_directory(directory: Path) -> None:
    """A directory that others can enter fails, with the command that closes it."""
    directory.chmod(0o755)
    first, *_ = check_directory(directory, daemon_runs=False)
    assert first.state is CheckState.FAILED
    assert first.hint == f"Run: chmod 700 {directory}"


def test_somebody_elses_directory(tmp_path: Path) -> None:
    """A directory with nothing of Qabel in it is not to be closed."""
    tmp_path.chmod(0o755)
    first, *_ = check_directory(tmp_path, daemon_runs=False)
    assert first.state is CheckState.FAILED
    assert "chmod" not in first.hint
    assert "--data-dir" in first.hint


def test_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is too long for a Unix socket fails where there is no short name for it."""
    path = tmp_path / ("x" * 120)
    path.mkdir(mode=0o700)
    assert states(path)["directory"] is CheckState.OK
    monkeypatch.setattr(socket_paths, "DESCRIPTORS", tmp_path / "none")
    first, *_ = check_directory(path, daemon_runs=False)
    assert first.state is CheckState.FAILED
    assert f"{path}/rest.sock has" in first.detail


@pytest.mark.parametrize(("name", "check"), [("database-key", "key"), ("api-token", "token")])
def test_open_secrets(directory: Path, name: str, check: str) -> None:
    """Secrets that others can read fail."""
    (directory / name).chmod(0o644)
    assert states(directory)[check] is CheckState.FAILED


def test_missing_key(directory: Path) -> None:
    """A missing key is a warning, unless there is no database; a daemon that runs knows better."""
    (directory / "database-key").unlink()
    assert states(directory)["key"] is CheckState.WARNING
    assert "key" not in states(directory, daemon_runs=True)
    (directory / "qabel.db").unlink()
    assert states(directory)["key"] is CheckState.OK


@pytest.mark.parametrize(
    ("now", "daemon", "drop", "state"),
    [
        (NOW, DATE, None, CheckState.OK),
        (NOW, DATE, "Fri, 01 Jan 2027 08:00:00 GMT", CheckState.OK),
        (NOW, AN_HOUR_LATER, None, CheckState.WARNING),
        (NOW, DATE, AN_HOUR_LATER, CheckState.WARNING),
        (NOW, "rubbish", "rubbish", CheckState.OK),
        (86400.0, None, None, CheckState.FAILED),
    ],
)
def test_clock(now: float, daemon: str | None, drop: str | None, state: CheckState) -> None:
    """A clock that differs from others is a warning; one that was never set fails."""
    assert check_clock(now, daemon, drop).state is state


@pytest.mark.parametrize(
    ("server", "warns"),
    [
        ("http://drop.example.org", True),
        ("http://192.168.1.2:5000", True),
        ("https://drop.example.org", False),
        ("http://127.0.0.1:5000", False),
        ("http://localhost:5000", False),
        ("http://abcdefghij.onion", False),
    ],
)
def test_unencrypted_servers(server: str, warns: bool) -> None:
    """A drop server with http gets a warning, unless it is on this machine or an onion service."""
    found = check_encryption(server)
    assert (found is not None and found.state is CheckState.WARNING) == warns
