"""``qabel completion`` in real shells: what is in the line after somebody pressed tab."""

import subprocess
import sys
import time
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from qabel.cli.errors import ExitStatus
from qabel.host.shell_words import VARIABLE
from tests.cli.conftest import QabelCommand, call, drop_of
from tests.cli.interactive_shell import environment, fish_offers, words_after_tab

NAMES = ("Zoë O'Brien $x", "a:b", "77")


@pytest.fixture(scope="module")
def named(people: dict[str, QabelCommand]) -> QabelCommand:
    """Return Alice's command; she has contacts with all kinds of names."""
    alice = people["alice"]
    for number, name in enumerate(NAMES, start=7):
        key = f"{number:02}" * 32
        alice.json("contact", "add", name, key, drop_of(alice), "-i", "Alice")
    return alice


TYPED = {
    "qabel inb": "<qabel><inbox>",
    "qabel inbox --mod": "<qabel><inbox><--model-object>",
    "qabel contact show bo": "<qabel><contact><show><Bob>",
    "qabel send Zo": "<qabel><send><Zoë O'Brien $x>",
    'qabel send "Zoë O': "<qabel><send><Zoë O'Brien $x>",
    "qabel send 'Zo": "<qabel><send><Zoë O'Brien $x>",
    "qabel send Zoë\\ ": "<qabel><send><Zoë O'Brien $x>",
    "qabel send a:": "<qabel><send><a:b>",
    'qabel send "a:': "<qabel><send><a:b>",
    "qabel send name:7": "<qabel><send><name:77>",
    "qabel identity show Al": "<qabel><identity><show><Alice>",
    "qabel key change --key cred": "<qabel><key><change><--key><credential:>",
    "qabel key change --new-key=keyr": "<qabel><key><change><--new-key=keyring>",
    "qabel restore x --key file:da": "<qabel><restore><x><--key><file:data.txt>",
    "qabel settings set privacy.ack": "<qabel><settings><set><privacy.acknowledge>",
    "qabel settings set privacy.introduce al": "<qabel><settings><set><privacy.introduce><always>",
    "qabel token new x --scope=pref": "<qabel><token><new><x><--scope=preferences>",
    "qabel-rest --data-dir x --key keyr": "<qabel-rest><--data-dir><x><--key><keyring>",
    "qabel-rest --auth=n": "<qabel-rest><--auth=none>",
    "qabel-drop --lifet": "<qabel-drop><--lifetime>",
    "qabel-drop --drop-id-bits=25": "<qabel-drop><--drop-id-bits=256>",
    "qabel-block --max-b": "<qabel-block><--max-body>",
    "qabel-block tok": "<qabel-block><token>",
    "qabel-block token rev": "<qabel-block><token><revoke>",
    "qabel identity import da": "<qabel><identity><import><data.txt>",
}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_words_after_tab(named: QabelCommand, shell: str, tmp_path: Path) -> None:
    """Names are completed and quoted as the shell needs them, however they were begun."""
    folder = tmp_path / "here"
    (folder / "dir").mkdir(parents=True)
    (folder / "data.txt").touch()
    env = environment(tmp_path, named.directory)
    found = words_after_tab(
        shell, [*TYPED, "qabel --data-dir di", "qabel --data-dir=di"], env, folder
    )
    assert dict(zip(TYPED, found, strict=False)) == TYPED
    # zsh takes the slash away again when the line is run.
    assert [each.replace("/", "") for each in found[-2:]] == [
        "<qabel><--data-dir><dir>",
        "<qabel><--data-dir=dir>",
    ]


def test_fish(named: QabelCommand, tmp_path: Path) -> None:
    """Fish quotes by itself, and shows what the words mean."""
    env = environment(tmp_path, named.directory)
    assert fish_offers('qabel send "Zo', env) == ["Zoë O'Brien $x"]
    assert fish_offers("qabel send a:", env) == ["a:b"]
    assert fish_offers("qabel key change --key=keyr", env) == [
        "--key=keyring\tthe desktop's keyring"
    ]
    assert fish_offers(f"qabel --data-dir={tmp_path.parent}", env)
    assert fish_offers("qabel restore x --key file:/etc/host", env)[0].startswith("file:/etc/host")
    assert fish_offers("qabel-rest --tok", env)[0].startswith("--token-group-readable\t")
    assert fish_offers("qabel inb", env) == ["inbox\tList, show and delete received messages."]


def test_a_command_that_is_being_typed_is_not_run(tmp_path: Path) -> None:
    """Offering what may follow a name does not make a token of that name."""
    env = environment(tmp_path, tmp_path / "none")
    env |= {VARIABLE: "fish", "QABEL_BLOCK_DATA_DIR": str(tmp_path / "blocks")}
    command = [str(tmp_path / "qabel-block"), "token", "new", "anna"]
    ended = subprocess.run(command, env=env, capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
    assert not (tmp_path / "blocks").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """There is a script for each shell."""
    assert VARIABLE in call("completion", shell).out


@pytest.mark.parametrize("words", [(), ("tcsh",)])
def test_other_shells(words: tuple[str, ...]) -> None:
    """Without the name of a supported shell, it is a usage error."""
    assert call("completion", *words).exit_status == ExitStatus.USAGE


def test_daemon_that_does_not_answer(tmp_path: Path) -> None:
    """Without a daemon, or with one that hangs, nothing is offered soon, and nothing is made."""
    env = {**environment(tmp_path, tmp_path / "none"), VARIABLE: "fish"}
    command = [sys.executable, "-m", "qabel.cli", "send", ""]
    for directory in ("none", "hangs"):
        env["QABEL_DATA_DIR"] = str(tmp_path / directory)
        if directory == "hangs":
            (tmp_path / "hangs").mkdir()
            listening = socket(AF_UNIX)
            listening.bind(str(tmp_path / "hangs" / "rest.sock"))
            listening.listen()
        started = time.monotonic()
        ended = subprocess.run(command, env=env, capture_output=True, check=True)
        assert (ended.stdout, ended.stderr) == (b"", b"")
        assert time.monotonic() - started < 20
        assert not (tmp_path / "none").exists()
    listening.close()
