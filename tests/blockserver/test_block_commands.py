"""The commands of the block server: each is there, and has a page of help."""

from importlib import import_module
from pathlib import Path

import pytest

from qabel.blockserver.block_commands import COMMANDS, load_block_command


def test_all_commands_are_named() -> None:
    """There is a module of each, and no other."""
    folder = Path(str(import_module("qabel.blockserver").__path__[0]))
    modules = {each.stem.removesuffix("_command") for each in folder.glob("*_command.py")}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It has help under its own name, and a wrong option is a usage error in plain words."""
    for option, status in (("--help", 0), ("--frob", 2)):
        with pytest.raises(SystemExit) as raised:
            load_block_command(name).run([option])
        assert raised.value.code == status
        printed = capsys.readouterr()
        text = printed.err if status else printed.out
        assert text.startswith(f"usage: qabel-block {name} [-h] [--data-dir DIR]")
        assert (printed.out if status else printed.err) == ""


def test_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is that of the command."""
    assert load_block_command("token").run(["new", "anna", f"--data-dir={tmp_path / 'data'}"]) == 0
    assert load_block_command("check").run([f"--data-dir={tmp_path / 'data'}"]) == 0
    assert "is whole." in capsys.readouterr().out
