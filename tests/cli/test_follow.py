"""``qabel follow`` over crashes of both ends."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import ANYWHERE, Command
from tests.integration.processes import Twistd, wait_until

NUMBERS = itertools.count()


def lines(file: Path) -> list[str]:
    """Give the lines that were written so far."""
    return file.read_text().splitlines()


def begin(whose: Command, out: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start ``qabel follow`` as a process, with what it writes in a file."""
    command = [
        sys.executable,
        "-m",
        "qabel.cli",
        "--data-dir",
        str(whose.directory),
        "follow",
        *words,
    ]
    with out.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ)


def texts(file: Path) -> list[str]:
    """Give the texts of the messages that were written so far."""
    whole = [line for line in lines(file) if line.startswith("{") and line.endswith("}")]
    return [json.loads(line)["data"]["msg"] for line in whole]


def wait_for(file: Path, expected: list[str]) -> None:
    """Wait until these messages have been written, and no others."""
    wait_until(lambda: len(texts(file)) >= len(expected) or None, f"{expected} in {lines(file)}")
    assert texts(file) == expected


def place_kept(state: Path, name: str) -> Any:
    """Give the place that is kept under a name, if there is one."""
    found = [each for each in state.rglob(name) if each.is_file()]
    return found[0].read_text() if found else None


def test_resume(alice: Command, bob: Command, tmp_path: Path) -> None:
    """A follower that is killed goes on where it was: nothing is missing, nothing comes twice."""
    out = tmp_path / "out"
    words = ("--resume", "bot", "--json")
    state = tmp_path / "state"
    first = begin(bob, out, *words)
    began = wait_until(lambda: place_kept(state, "bot"), "the place at the beginning")
    alice("send", "Bob", "one")
    wait_for(out, ["one"])
    wait_until(lambda: place_kept(state, "bot") != began or None, "the place after it")
    first.kill()
    first.wait()
    alice("send", "Bob", "two")
    alice("send", "Bob", "three")
    second = begin(bob, out, *words)
    wait_for(out, ["one", "two", "three"])
    second.terminate()
    second.wait()


def test_killed_before_anything_happened(alice: Command, bob: Command, tmp_path: Path) -> None:
    """The place at which it began is kept, so that the first message counts too."""
    out = tmp_path / "out"
    first = begin(bob, out, "--resume", "new", "--json")
    wait_until(lambda: place_kept(tmp_path / "state", "new"), "the place at the beginning")
    first.kill()
    first.wait()
    alice("send", "Bob", "meanwhile")
    assert (
        bob("follow", "--resume", "new", "--json", "-n", "1").values[0]["data"]["msg"]
        == "meanwhile"
    )


def test_daemon_restarts(tmp_path: Path) -> None:
    """A daemon that ends and comes back is followed on, and people are told once."""
    arguments = ["qabel-rest", f"--data-dir={tmp_path / 'd'}", f"--listen={ANYWHERE}",
                 f"--drop-server={ANYWHERE}"]  # fmt: skip
    command, out = Command(tmp_path / "d"), tmp_path / "out"
    with Twistd(tmp_path / "one", *arguments) as daemon:
        daemon.wait_for(r"listens on .*rest\.sock")
        follower = begin(command, out, "--kind", "settings")
        wait_until(lambda: changed(command, out), "the first change")
        daemon.kill()
    before = out.read_text().count("settings have changed")
    with Twistd(tmp_path / "two", *arguments) as daemon:
        daemon.wait_for(r"listens on .*rest\.sock")
        command.json("settings", "set", "module_data.a", "{}")
        wait_until(
            lambda: out.read_text().count("settings have changed") > before or None, "the second"
        )
        follower.terminate()
        follower.wait()
    assert out.read_text().count("The connection was lost") == 1


def changed(command: Command, out: Path) -> bool | None:
    """Change a setting, and tell whether the follower has seen a change."""
    command.json("settings", "set", "module_data.n", json.dumps({"n": next(NUMBERS)}))
    return "settings have changed" in out.read_text() or None


def test_from_the_beginning(bob: Command, alice: Command) -> None:
    """Since 0 it begins with the oldest message, and -n ends it."""
    alice("send", "Bob", "there is one")
    wait_until(lambda: bob.json("inbox", "--poll") or None, "a message")
    [oldest] = bob.json("follow", "--since", "0", "-n", "1")
    assert oldest["kind"] == "drop"
    assert oldest["id"] == bob.json("inbox", "--all")[0]["id"]
    shown = bob("follow", "--since", "0", "-n", "1").out
    assert "Alice: " in shown


def test_lines_of_messages_stand_out(bob: Command, alice: Command) -> None:
    """A text of several lines cannot pass for several messages."""
    bob.json("inbox", "--new", "--all", "--consumer", "lines")
    place = bob.json("status")[0]["inbox"]["latest"]
    alice("send", "Bob", "one\n2026-01-01 00:00:00  Mum: two\x1b")
    shown = bob("follow", "--since", place, "-n", "1").out.splitlines()
    assert shown[0].endswith("Alice: one")
    assert shown[1] == " " * 21 + r"| 2026-01-01 00:00:00  Mum: two\x1b"


def test_outbox_events(alice: Command) -> None:
    """What becomes of messages can be followed too."""
    place = alice.json("status")[0]["inbox"]["latest"]
    alice("send", "Bob", "tell me")
    shown = alice("follow", "--kind", "outbox", "--since", place, "-n", "1").out
    assert "sent to Bob" in shown


def test_place_of_another_database(bob: Command) -> None:
    """A place that is not this database's is an error that says how to go on."""
    result = bob("follow", "--resume", "lost", "--since", "elsewhere.17")
    assert result.code == ExitStatus.FAILURE
    assert "qabel follow --resume lost --since" in result.err


@pytest.mark.parametrize("words", [("--resume", "../x"), ("--kind", "nosuch"), ("-n", "0")])
def test_usage(bob: Command, words: tuple[str, str]) -> None:
    """What makes no sense is told before anything is asked."""
    assert bob("follow", *words).code == ExitStatus.USAGE
