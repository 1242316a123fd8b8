"""The option that all commands have, and the data directory that is meant."""

from pathlib import Path

import pytest

from qabel.host.server_commands import ServerProgram, load_server_command

VARIABLE = "QABEL_HERE_DATA_DIR"
HERE = ServerProgram("qabel-here", VARIABLE)


def test_the_directory_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes before that of the environment, and is absolute."""
    monkeypatch.setenv(VARIABLE, "/elsewhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")
    assert HERE.directory("data") == tmp_path / "data"
    assert HERE.directory("~/data") == Path("/home/anna/data")


def test_the_directory_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, it is where the system has data of users."""
    monkeypatch.setenv(VARIABLE, "/elsewhere")
    assert HERE.directory(None) == Path("/elsewhere")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/anna/share")
    monkeypatch.setenv("HOME", "/home/anna")
    assert HERE.directory(None).name == "qabel-here"
    assert HERE.directory(None).is_relative_to("/home/anna")


def test_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    """It has the option, its whole name only, and says what the command is for."""
    parser = HERE.parser("qabel-here x", "Do something.")
    assert parser.parse_args([]).data_dir is None
    assert parser.parse_args(["--data-dir", "a"]).data_dir == "a"
    assert parser.prog == "qabel-here x"
    assert "Do something." in parser.format_help()
    assert f"${VARIABLE}" in parser.format_help()
    with pytest.raises(SystemExit):
        parser.parse_args(["--data=a"])
    assert "unrecognized arguments: --data=a" in capsys.readouterr().err


def test_commands_are_loaded_by_name() -> None:
    """From the package of the server."""
    command = load_server_command("qabel.dropserver", "check")
    assert command.parser().prog == "qabel-drop check"
    with pytest.raises(ModuleNotFoundError):
        load_server_command("qabel.dropserver", "frob")
