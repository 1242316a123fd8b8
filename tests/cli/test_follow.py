"""``qabel follow``, also when either end crashes."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import ANYWHERE, QabelCommand
from tests.integration.processes import Twistd, wait_until

NUMBERS = itertools.count()


def lines(file: Path) -> list[str]:
    """Return the lines that were written so far."""
    return file.read_text().splitlines()


def start(whose: QabelCommand, out: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start ``qabel follow`` as a process that writes to a file."""
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
    """Return the texts of the messages that were written so far."""
    whole = [line for line in lines(file) if line.startswith("{") and line.endswith("}")]
    return [json.loads(line)["data"]["msg"] for line in whole]


def wait_for(file: Path, expected: list[str]) -> None:
    """Wait until these messages, and no others, have been written."""
    wait_until(lambda: len(texts(file)) >= len(expected) or None, f"{expected} in {lines(file)}")
    assert texts(file) == expected


def saved_cursor(state: Path, name: str) -> Any:
    """Return the cursor that was saved under a name, if there is one."""
    found = [each for each in state.rglob(name) if each.is_file()]
    return found[0].read_text() if found else None


def test_resume(alice: QabelCommand, bob: QabelCommand, tmp_path: Path) -> None:
    """A follower that is killed continues where it was: no message is missing or shown twice."""
    out = tmp_path / "out"
    words = ("--resume", "bot", "--json")
    state = tmp_path / "state"
    first = start(bob, out, *words)
    began = wait_until(lambda: saved_cursor(state, "bot"), "the first cursor")
    alice("send", "Bob", "one")
    wait_for(out, ["one"])
    wait_until(lambda: saved_cursor(state, "bot") != began or None, "the cursor after it")
    first.kill()
    first.wait()
    alice("send", "Bob", "two")
    alice("send", "Bob", "three")
    second = start(bob, out, *words)
    wait_for(out, ["one", "two", "three"])
    second.terminate()
    second.wait()


def test_killed_before_the_first_event(
    alice: QabelCommand, bob: QabelCommand, tmp_path: Path
) -> None:
    """The cursor that it started from is saved, so the first message is not lost."""
    out = tmp_path / "out"
    first = start(bob, out, "--resume", "new", "--json")
    wait_until(lambda: saved_cursor(tmp_path / "state", "new"), "the first cursor")
    first.kill()
    first.wait()
    alice("send", "Bob", "meanwhile")
    assert (
        bob("follow", "--resume", "new", "--json", "-n", "1").values[0]["data"]["msg"]
        == "meanwhile"
    )


def test_daemon_restarts(tmp_path: Path) -> None:
    """It reconnects to a daemon that is restarted, and says so once."""
    arguments = ["qabel-rest", f"--data-dir={tmp_path / 'd'}", f"--listen={ANYWHERE}",
                 f"--drop-server={ANYWHERE}"]  # fmt: skip
    command, out = QabelCommand(tmp_path / "d"), tmp_path / "out"
    with Twistd(tmp_path / "one", *arguments) as daemon:
        daemon.wait_for(r"listens on .*rest\.sock")
        follower = start(command, out, "--kind", "settings")
        wait_until(lambda: changed(command, out), "the first change")
        daemon.kill()
    before = out.read_text().count("settings changed")
    with Twistd(tmp_path / "two", *arguments) as daemon:
        daemon.wait_for(r"listens on .*rest\.sock")
        command.json("settings", "set", "module_data.a", "{}")
        wait_until(lambda: out.read_text().count("settings changed") > before or None, "the second")
        follower.terminate()
        follower.wait()
    assert out.read_text().count("Connection lost") == 1
    assert out.read_text().count("Connected again") == 1


def changed(command: QabelCommand, out: Path) -> bool | None:
    """Change a setting, and return whether the follower has seen a change."""
    command.json("settings", "set", "module_data.n", json.dumps({"n": next(NUMBERS)}))
    return "settings changed" in out.read_text() or None


def test_from_the_beginning(bob: QabelCommand, alice: QabelCommand) -> None:
    """``--since 0`` starts with the oldest message, and ``-n`` ends it."""
    alice("send", "Bob", "there is one")
    wait_until(lambda: bob.json("inbox", "--poll") or None, "a message")
    [oldest] = bob.json("follow", "--since", "0", "-n", "1")
    assert oldest["kind"] == "drop"
    assert oldest["id"] == bob.json("inbox", "--all")[0]["id"]
    shown = bob("follow", "--since", "0", "-n", "1").out
    assert "Alice: " in shown


def test_lines_of_messages_stand_out(bob: QabelCommand, alice: QabelCommand) -> None:
    """A text of several lines cannot pass for several messages."""
    bob.json("inbox", "--new", "--all", "--consumer", "lines")
    cursor = bob.json("status")[0]["inbox"]["latest"]
    alice("send", "Bob", "one\n2026-01-01 00:00:00  Mum: two\x1b")
    shown = bob("follow", "--since", cursor, "-n", "1").out.splitlines()
    assert shown[0].endswith("Alice: one")
    assert shown[1] == " " * 21 + r"| 2026-01-01 00:00:00  Mum: two\x1b"


def test_outbox_events(alice: QabelCommand) -> None:
    """The delivery of sent messages can be followed too."""
    cursor = alice.json("status")[0]["inbox"]["latest"]
    alice("send", "Bob", "tell me")
    shown = alice("follow", "--kind", "outbox", "--since", cursor, "-n", "1").out
    assert "sent to Bob" in shown


def test_cursor_of_another_database(bob: QabelCommand) -> None:
    """A cursor of another database is an error that says how to continue."""
    result = bob("follow", "--resume", "lost", "--since", "elsewhere.17")
    assert result.exit_status == ExitStatus.FAILURE
    assert "qabel follow --resume lost --since" in result.err


@pytest.mark.parametrize("words", [("--resume", "../x"), ("--kind", "nosuch"), ("-n", "0")])
def test_usage(bob: QabelCommand, words: tuple[str, str]) -> None:
    """A usage error is reported before any request is sent."""
    assert bob("follow", *words).exit_status == ExitStatus.USAGE


def test_a_saved_cursor_that_is_not_known(
    alice: QabelCommand, bob: QabelCommand, tmp_path: Path
) -> None:
    """After a restore, a follower with a saved cursor says so and shows what there is again."""
    alice("send", "Bob", "still there")
    wait_until(lambda: bob.json("inbox", "--poll") or None, "a message")
    bob("follow", "--resume", "old", "--since", "0", "-n", "1")
    [file] = [each for each in (tmp_path / "state").rglob("old") if each.is_file()]
    file.write_text("0123456789abcdef.99999\n")
    result = bob("follow", "--resume", "old", "--json", "-n", "1")
    assert result.exit_status == ExitStatus.OK
    assert "not known here" in json.loads(result.err)["warning"]
    assert result.values[0]["id"] == bob.json("inbox", "--all")[0]["id"]
    assert file.read_text().strip() == result.values[0]["place"]
