"""What ``qabel doctor`` sees of a directory and of clocks."""

from pathlib import Path

import pytest

from qabel.cli.checks import CheckState, check_clock, check_directory

NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
AN_HOUR_LATER = "Fri, 15 Jan 2027 09:00:00 GMT"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make a data directory as a daemon does."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    for name in ("database-key", "api-token", "qabel.db"):
        (path / name).touch(0o600)
    return path


def found(path: Path, *, daemon_runs: bool = False) -> dict[str, CheckState]:
    """Give what came out of each check."""
    return {each.name: each.state for each in check_directory(path, daemon_runs=daemon_runs)}


def test_a_good_directory(directory: Path) -> None:
    """All that a daemon makes is as it should be."""
    states = found(directory)
    states.pop("disk", None)
    assert states == {"directory": CheckState.OK, "key": CheckState.OK, "token": CheckState.OK}


def test_no_directory(tmp_path: Path) -> None:
    """A directory that is not there is told, with what makes it."""
    [check] = check_directory(tmp_path / "none", daemon_runs=False)
    assert check.state is CheckState.FAILED
    assert "--data-dir" in check.hint


def test_open_directory(directory: Path) -> None:
    """A directory that others can enter is told, with the command that closes it."""
    directory.chmod(0o755)
    first, *_ = check_directory(directory, daemon_runs=False)
    assert first.state is CheckState.FAILED
    assert first.hint == f"Run: chmod 700 {directory}"


def test_long_path(tmp_path: Path) -> None:
    """A path that no Unix socket can have is told before anybody wonders."""
    path = tmp_path / ("x" * 120)
    path.mkdir(mode=0o700)
    assert found(path)["directory"] is CheckState.FAILED


@pytest.mark.parametrize(("name", "check"), [("database-key", "key"), ("api-token", "token")])
def test_open_secrets(directory: Path, name: str, check: str) -> None:
    """Secrets that others can read are told."""
    (directory / name).chmod(0o644)
    assert found(directory)[check] is CheckState.FAILED


def test_missing_key(directory: Path) -> None:
    """Without a key the database is lost, unless a daemon has it from elsewhere."""
    (directory / "database-key").unlink()
    assert found(directory)["key"] is CheckState.WARNING
    assert found(directory, daemon_runs=True)["key"] is CheckState.OK
    (directory / "qabel.db").unlink()
    assert found(directory)["key"] is CheckState.OK


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
    """The clock is doubted when others' differ, and only then."""
    assert check_clock(now, daemon, drop).state is state
