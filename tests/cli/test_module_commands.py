"""Commands of modules are found, refused or broken without harm to the others."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import frozen

from qabel.cli.module_commands import ModuleCommands, RootGroup
from tests.integration.processes import ROOT


@frozen
class Package:
    """What an entry point is of."""

    name: str


@frozen
class Entry:
    """An entry point that loads what a test says."""

    name: str
    value: str
    loaded: Any = None
    package: str = "other"

    @property
    def dist(self) -> Package:
        """The package that it is of."""
        return Package(self.package)

    def load(self) -> Any:
        """Return what it names, or raise it."""
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


def commands(*entries: Entry) -> ModuleCommands:
    """Return commands of modules beside a command that is built in."""
    return ModuleCommands(lambda: ["status"], lambda: entries)


def test_a_command_is_loaded_when_it_is_asked_for() -> None:
    """It is the one that its entry point names, and others are not imported."""
    command = click.Command("notes")
    found = commands(Entry("notes", "a:b", command), Entry("bad", "c:d", ImportError("no")))
    assert found.names == ["bad", "notes"]
    assert found.get("notes") is command
    assert found.get("nothing") is None
    assert found.refused == []


def test_names_that_are_taken_are_refused() -> None:
    """A built-in command goes before one of a module, and one of qabel before others."""
    own = click.Command("chat")
    found = commands(
        Entry("status", "a:b", click.Command("status")),
        Entry("chat", "a:chat", click.Command("chat")),
        Entry("chat", "qabel:chat", own, package="qabel"),
        Entry("chat", "qabel:chat", own, package="copy"),
    )
    assert found.get("chat") is own
    assert found.get("status") is None
    assert [(each.name, each.package, each.reason) for each in found.refused] == [
        ("status", "other", "a built-in command has this name"),
        ("chat", "other", "a command of qabel has this name"),
    ]


def test_two_packages_with_one_name() -> None:
    """The first by its place keeps the name, and the other is told whose it is."""
    entries = Entry("x", "b:x", click.Command("x"), "b"), Entry("x", "a:x", click.Command("x"), "a")
    [refused] = commands(*entries).refused
    assert (refused.package, refused.reason) == ("b", "a command of a has this name")


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [(ImportError("no"), "It cannot be imported: ImportError('no')"),
     (3, "Its entry point names no click.Command")],
)  # fmt: skip
def test_a_broken_command(loaded: object, reason: str) -> None:
    """It is listed as broken."""
    found = commands(Entry("bad", "a:b", loaded)).get("bad")
    assert found is not None
    assert found.get_short_help_str() == "Broken, of other."
    assert reason in str(found.help)


def install(folder: Path, name: str, *lines: str) -> None:
    """Make a package with entry points that can be found in a folder."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text("\n".join(("[qabel.commands]", *lines)) + "\n")


def qabel(site: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with packages of a folder."""
    return subprocess.run(
        [sys.executable, "-m", "qabel", *arguments],
        env={"PYTHONPATH": f"{site}:{ROOT}", "HOME": str(site), "COLUMNS": "80", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broken_package_harms_only_its_own_command(tmp_path: Path) -> None:
    """It is in the help, says in one line what is wrong, and whatever its arguments are."""
    install(tmp_path, "evil", "evil = evil_module:command", "status = evil_module:status")
    for arguments in (["--version"], ["status", "--help"]):
        done = qabel(tmp_path, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
    shown = qabel(tmp_path, "--help")
    assert "evil        Broken, of evil." in shown.stdout
    assert "Of evil: a built-in command has this name." in shown.stdout
    for arguments in ([], ["--loud", "x"]):
        done = qabel(tmp_path, "evil", *arguments)
        assert done.returncode == 1
        assert done.stderr == (
            "qabel: The command evil of evil is broken: It cannot be imported: "
            "ModuleNotFoundError(\"No module named 'evil_module'\"). Update it, or uninstall it\n"
        )


def test_built_in_commands_look_for_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of those takes no longer, however many packages are installed."""
    looked: list[Sequence[Any]] = []
    group = RootGroup("qabel", commands={"status": click.Command("status")})
    group.of_modules = ModuleCommands(lambda: group.commands, lambda: looked.append([]) or [])
    context = click.Context(group)
    assert group.get_command(context, "status") is not None
    assert looked == []
    assert group.get_command(context, "nothing") is None
    assert len(looked) == 1
