"""Files that are damaged, foreign, or copied in haste: told in a line, and left as they were."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually

Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data directory of a daemon that has run, and was stopped."""
    folder = tmp_path_factory.mktemp("used")
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(folder, "alice").up() as alice:
        contact = alice.live(server.url)
        box.put(
            contact["drop_urls"][0],
            *(bob.seal(contact["public_key"], number, padding=900) for number in range(200)),
        )
        alice.hears(list(range(200)))
        alice.stop()
    return alice.directory


def foreign(path: Path) -> None:
    """Put another program's database there."""
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (thing)")
    connection.close()


def damage_start(path: Path) -> None:
    """Overwrite the first page."""
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def damage_rest(path: Path) -> None:
    """Overwrite all but the first page."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


def wrong_key(path: Path) -> None:
    """Put another key beside it."""
    path.with_name("database-key").write_text(os.urandom(32).hex() + "\n")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "text": (lambda path: path.write_text("precious"), "is not a Qabel database"),
    "cut off": (lambda path: os.truncate(path, 10_000), "is truncated: it has 10000 bytes"),
    "foreign": (foreign, "is an unencrypted SQLite file, not a Qabel database"),
    "damaged start": (damage_start, "The key does not open .* or the file is damaged at its start"),
    "damaged rest": (damage_rest, "is damaged; it was not changed"),
    "wrong key": (wrong_key, "The key does not open"),
    "key gone": (lambda path: path.with_name("database-key").unlink(), "database-key"),
    "no token": (lambda path: path.with_name("api-token").write_text("short"), "api-token"),
}


@frozen
class Refusal:
    """A daemon that is to refuse a directory, and what was in that before."""

    daemon: Daemon
    before: dict[str, bytes]


@pytest.fixture(scope="module")
def refusals(used: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Refusal]]:
    """Return daemons on damaged copies of a directory, all started at the same time."""
    folder, started = tmp_path_factory.mktemp("damaged"), {}
    for name, (damage, _) in DAMAGES.items():
        directory = folder / name
        shutil.copytree(used, directory, ignore=shutil.ignore_patterns("*.sock"))
        damage(directory / "qabel.db")
        before = contents(directory)
        started[name] = Refusal(Daemon(folder, name), before)
    yield started
    for each in started.values():
        each.daemon.process.kill()


def contents(directory: Path) -> dict[str, bytes]:
    """Return what is in all files but the lock."""
    return {each.name: each.read_bytes() for each in directory.iterdir() if each.name != "lock"}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_cannot_be_used(refusals: dict[str, Refusal], name: str) -> None:
    """A daemon that cannot start says why in one line, with status 1, and changes no file."""
    daemon = refusals[name].daemon
    assert daemon.process.ended() == 1
    errors = daemon.process.errors
    assert errors.startswith("qabel-rest: ")
    assert errors.count("\n") == 1
    assert re.search(DAMAGES[name][1], errors), errors
    assert "Traceback" not in daemon.process.log
    assert contents(daemon.directory) == refusals[name].before


def test_a_backup_knows_the_cursors_of_before(tmp_path: Path) -> None:
    """Status tells how to back up; what that writes has everything, but no cursor from later."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url)
        url, key = contact["drop_urls"][0], contact["public_key"]
        box.put(url, bob.seal(key, "before"))
        alice.hears(["before"])
        place = alice.api.ask("GET", "/drop?since=0").headers["x-qabel-latest"]
        assert "POST /backup" in alice.status()["backup"]
        backup = Path(alice.api.good("POST", "/backup", {"name": "monday.db"})["path"])
        box.put(url, bob.seal(key, "after"))
        alice.hears(["before", "after"])
        lost = alice.api.ask("GET", "/drop?since=0").headers["x-qabel-latest"]
        assert alice.api.ask("POST", "/backup", {"name": "monday.db"}).status == 409
        assert backup.stat().st_mode & 0o777 == 0o600
        other = tmp_path / "restored"
        other.mkdir(mode=0o700)
        shutil.copy(backup, other / "qabel.db")
        shutil.copy(alice.directory / "database-key", other)
        with Daemon(tmp_path, "restored").up() as restored:
            restored.hears(["before", "after"])
            [after] = restored.api.ask("GET", f"/drop?since={place}").body
            assert after["data"] == {"msg": "after"}
            gone = restored.api.ask("GET", f"/drop?since={lost}")
            assert gone.status == 410
            assert restored.api.ask("GET", f"/drop?since={gone.body['oldest']}").status == 200


def test_a_copy_under_a_running_daemon_is_used_or_refused(tmp_path: Path) -> None:
    """Files copied from under a daemon that writes give a whole database, or one clear line."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url, 0.05)
        url, key = contact["drop_urls"][0], contact["public_key"]
        for number in range(2):
            box.put(url, *(bob.seal(key, [number, each]) for each in range(100)))
            eventually(alice.heard)
            name = f"copy{number}"
            without = shutil.ignore_patterns("*.sock", "lock")
            shutil.copytree(alice.directory, tmp_path / name, ignore=without)
            with Daemon(tmp_path, name, "--full-read-interval=0.2") as daemon:
                catches_up_or_refuses(daemon, 100 * (number + 1))


def catches_up_or_refuses(daemon: Daemon, messages: int) -> None:
    """See that a daemon gets so many messages, or says in one line why it cannot start."""
    process = daemon.process
    up = r"listens on .*rest\.sock"
    eventually(lambda: process.process.poll() is not None or re.search(up, process.log))
    if process.process.poll() is None:
        eventually(lambda: len(daemon.heard()) == messages)
    else:
        assert process.errors.count("\n") == 1
    assert "Traceback" not in process.log
