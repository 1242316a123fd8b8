"""The hint on how to start a daemon can be pasted into the shell in which it is shown."""

from pathlib import Path

import pytest

from qabel.cli.paths import data_directory
from qabel.cli.start_hint import start_command


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make an environment with no data directory, and nothing in PATH."""
    monkeypatch.delenv("QABEL_DATA_DIR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr("sys.argv", [str(tmp_path / "bin" / "qabel")])


def install(folder: Path) -> Path:
    """Put a command into a directory."""
    folder.mkdir()
    command = folder / "qabel-rest"
    command.touch(mode=0o755)
    return command


def test_the_data_directory() -> None:
    """It is named, and quoted, unless it is the default one."""
    assert start_command(data_directory(None)) == "qabel-rest"
    assert start_command(Path("/a b")) == "qabel-rest --data-dir '/a b'"


def test_a_directory_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as well: in another terminal, the environment is another one."""
    monkeypatch.setenv("QABEL_DATA_DIR", "/data")
    assert start_command(data_directory(None)) == "qabel-rest --data-dir /data"


def test_a_command_outside_of_path(tmp_path: Path) -> None:
    """Where the shell would not find the daemon, the one beside ``qabel`` is named by its path."""
    command = install(tmp_path / "bin")
    assert start_command(Path("/data")) == f"{command} --data-dir /data"
    install(tmp_path / "path")
    assert start_command(Path("/data")) == "qabel-rest --data-dir /data"
