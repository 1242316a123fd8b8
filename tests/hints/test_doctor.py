"""What doctor advises helps, in the situation in which it is shown."""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qabel.crypto import PrivateKey
from tests.hints.person import Person
from tests.hints.printed import shows
from tests.integration.bad_servers import BadServer, Peer, Request
from tests.integration.daemons import inside, move

Come = Callable[..., Person]


@shows(
    "cli/daemon_checks.py: Run: qabel server add URL",
    "cli/daemon_checks.py: Run: qabel identity new ALIAS",
)
def test_a_new_daemon(person: Come, drop_server: str) -> None:
    """A daemon with which nothing was done yet needs a server and an identity, and says so."""
    me = person()
    me.starts()
    for hint in me.runs("doctor").hints:
        me.follows(hint, URL=drop_server, ALIAS="Alice")
    assert me.runs("doctor").hints == []


@shows(
    "checks.py: This is not a data directory of Qabel: check --data-dir",
    "checks.py: X; or pass --data-dir",
    "cli/checks.py: Check --data-dir",
)
def test_directories_of_something_else(person: Come, drop_server: str) -> None:
    """What is no data directory is not to be changed; the right one is well."""
    me = person()
    me.settles("Alice", drop_server)
    shared = me.home / "shared"
    shared.mkdir(mode=0o755)
    file = me.home / "file"
    file.touch()
    for path in (shared, file, me.home / "gone"):
        said = me.types(f"qabel --data-dir '{path}' doctor")
        assert said.status in (1, 3)
        assert "chmod" not in said.text
        assert "chown" not in said.text
    assert me.types(f"qabel --data-dir {me.directory} doctor").status == 0


@shows(
    "cli/checks.py: Restore it from your copy; if it is kept elsewhere, run: qabel doctor",
    "cli/database_check.py: Restore the key from your copy, or say where it is: qabel doctor --key",
)
def test_a_key_that_is_elsewhere(person: Come) -> None:
    """A key that is not there, or is another one, can be named, and opens the database."""
    me = person()
    me.starts()
    directory = me.directory
    me.stops()
    key, copy = directory / "database-key", me.home / "copy of key"
    key.rename(copy)
    hint = me.runs("doctor").hint("qabel", "doctor")
    said = me.types(f"qabel {' '.join(hint.words[:-1])} 'file:{copy}'")
    assert "The key opens" in said.text
    key.touch(0o600)
    key.write_text("12" * 32 + "\n")
    hint = me.runs("doctor").hint("qabel", "doctor")
    said = me.types(f"qabel {' '.join(hint.words[:-1])} 'file:{copy}'")
    assert "The key opens" in said.text


@shows("cli/checks.py: Set the clock, and keep it synchronized: timedatectl set-ntp true")
def test_a_clock_that_was_never_set(person: Come, tmp_path: Path) -> None:
    """The command that sets the clock is one of systemd's."""
    me = person()
    me.starts()
    clock = tmp_path / "clock"
    me.environment = inside(clock=clock)
    move(clock, 1000 - time.time())
    said = me.runs("doctor")
    assert "never set" in said.text
    assert "→ Set the clock" in said.text


@shows(
    "cli/daemon_checks.py: Run: qabel outbox list --waiting",
    "core/status/troubles.py: Run: qabel outbox list --waiting",
    "core/status/troubles.py: A message has been waiting to be sent for more than six hours;",
)
def test_a_message_that_waits(person: Come, drop_server: str, tmp_path: Path) -> None:
    """Messages that wait are listed as doctor, the status and health say."""
    clock = tmp_path / "clock"
    me = person()
    me.environment = inside(clock=clock)
    me.settles("Alice", drop_server)
    with BadServer(lambda peer, _: peer.answer("500 Out of order")) as dead:
        assert me.types(f"qabel server add {dead.url} --force </dev/null").status == 0
        key = PrivateKey.generate().public_key.hex
        assert me.runs("contact", "add", "Bob", key, f"{dead.url}/{'b' * 43}").status == 0
        dead.behave = lambda peer, _: peer.wait() and None
        assert me.types("timeout 1 qabel send Bob Hello; true").status == 0
        for hours, commands in ((1, ("doctor",)), (7, ("doctor", "status"))):
            move(clock, hours * 3600)
            for command in commands:
                hint = me.runs(command).hint("qabel", "outbox", "list")
                assert "Bob" in me.follows(hint).text
        assert "qabel outbox list --waiting" in me.asks("GET", "/health")


@shows("cli/daemon_checks.py: Check its version: qabel status")
def test_a_daemon_that_says_something_else(person: Come) -> None:
    """A daemon whose answers cannot be read still tells its version."""
    me = person()

    def answer(peer: Peer, request: Request) -> None:
        server = {"server": "http://[", "last_success": 1e300}
        body = {"version": "99.9", "drop_servers": [server]}
        peer.answer("200 OK", "Content-Type: application/json", body=json.dumps(body).encode())

    with BadServer(answer) as server:
        said = me.runs("--url", server.url, "doctor")
        assert "cannot be read" in said.text, said.text
        assert "99.9" in me.runs("--url", server.url, "status").text


@shows("cli/checks.py: Run this command as that user, or pass --data-dir with a directory of your")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_directory_of_another_user(person: Come) -> None:
    """Whoever looks at another user's directory is told to be that user, or to choose another."""
    me = person()
    me.starts()
    directory = me.directory
    me.stops()
    for path in (directory, *directory.iterdir()):
        os.chown(path, 65534, 65534)
    said = me.runs("doctor")
    assert "belongs to another user" in said.text
    assert re.search(r"cho(wn|mod)", said.text) is None
    other = Person(me.home, ("--data-dir", "mine"))
    other.starts()
    assert "FAIL" not in other.runs("doctor").text
    other.leaves()
