"""Single damaged pages under a daemon: it says what is missing, and does everything else."""

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually
from tests.store.database.pages_of import overwrite, pages_of

PAGE = 4096
COUNT = 200
SAMPLES = 12


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data directory of a stopped daemon with an inbox of some dozen pages."""
    folder = tmp_path_factory.mktemp("used")
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(folder, "alice").up() as alice:
        contact = alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{'b' * 43}")
        box.put(
            contact["drop_urls"][0],
            *(bob.seal(contact["public_key"], number, padding=500) for number in range(COUNT)),
        )
        alice.hears(list(range(COUNT)))
        alice.stop()
    return alice.directory


def damage(path: Path, page: int) -> None:
    """Overwrite 16 bytes of a page, which is counted from 0."""
    with path.open("r+b") as file:
        file.seek(page * PAGE + 1000)
        file.write(os.urandom(16))


def read_all(daemon: Daemon) -> tuple[set[int], set[int]]:
    """Return the ids of all messages that can be read, and of those that are damaged."""
    found: set[int] = set()
    damaged: set[int] = set()
    cursor = "0"
    while True:
        answer = daemon.api.ask("GET", f"/drop?since={cursor}&limit=50")
        if answer.status == 204:
            return found, damaged
        assert answer.status == 200, answer.body
        found |= {each["id"] for each in answer.body}
        for each in filter(None, answer.headers.get("x-qabel-damaged", "").split(",")):
            first, _, last = each.partition("-")
            damaged |= set(range(int(first), int(last or first) + 1))
        assert answer.headers["x-qabel-latest"] != cursor
        cursor = answer.headers["x-qabel-latest"]


@pytest.mark.parametrize("sample", range(SAMPLES))
def test_nothing_is_lost_in_silence(used: Path, tmp_path: Path, sample: int) -> None:
    """With any page damaged it refuses to start, or each message is read or told."""
    shutil.copytree(used, tmp_path / "alice", ignore=shutil.ignore_patterns("*.sock"))
    path = tmp_path / "alice" / "qabel.db"
    pages = path.stat().st_size // PAGE
    damage(path, sample * pages // SAMPLES)
    with Daemon(tmp_path, "alice") as daemon:
        process = daemon.process
        eventually(lambda: process.process.poll() is not None or "listens on 127" in process.log)
        if process.process.poll() is not None:
            assert process.errors.count("\n") == 1
            assert "damaged" in process.errors, process.log
            return
        found, damaged = read_all(daemon)
        # The numbers of messages and of other events are in one sequence.
        assert len(found) + len(damaged) >= COUNT
        backup = daemon.api.ask("POST", "/backup", {"name": "copy.db"})
        assert backup.status in {201, 503}
        if damaged:
            assert backup.status == 503
            assert "Damaged tables: " in backup.body["detail"]
            assert "is damaged" in daemon.troubles()
            assert daemon.health().status == 503
        if backup.status == 503:
            assert list((daemon.directory / "backups").iterdir()) == []
        assert "Traceback" not in process.log


def test_all_else_goes_on(tmp_path: Path) -> None:
    """After a damaged page was met, messages are received, sent and read as before."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server:
        with Daemon(tmp_path, "alice").up() as alice:
            contact = alice.live(server.url)
            url, key = contact["drop_urls"][0], contact["public_key"]
            alice.knows("bob", bob.public, f"{server.url}/{'b' * 43}")
            box.put(url, *(bob.seal(key, number, padding=500) for number in range(COUNT)))
            alice.hears(list(range(COUNT)))
            alice.stop()
        path = alice.directory / "qabel.db"
        secret = bytes.fromhex((alice.directory / "database-key").read_text().split()[0])
        pages = list(pages_of(path, secret, "SELECT * FROM messages NOT INDEXED"))
        overwrite(path, pages[len(pages) // 2])
        with alice.again():
            found, damaged = read_all(alice)
            assert found
            assert damaged
            statuses = {alice.api.ask("GET", f"/drop/{each}").status for each in damaged}
            assert statuses == {503}
            assert alice.health().status == 503
            assert "is damaged" in alice.troubles()
            box.put(url, bob.seal(key, "after"))
            eventually(lambda: len(read_all(alice)[0]) == len(found) + 1)
            assert read_all(alice) == (found | {max(read_all(alice)[0])}, damaged)
            assert alice.api.say("after").status == 201
            refused = alice.api.ask("POST", "/backup", {"name": "copy.db"})
            assert refused.status == 503
            assert "Damaged tables: messages." in refused.body["detail"]
            assert "Traceback" not in alice.process.log
            assert alice.stop() < 5


def test_damage_is_found_that_nobody_meets(used: Path, tmp_path: Path) -> None:
    """A page that nobody reads is found soon after each start, and then the daemon says so."""
    shutil.copytree(used, tmp_path / "alice", ignore=shutil.ignore_patterns("*.sock"))
    path = tmp_path / "alice" / "qabel.db"
    key = bytes.fromhex((tmp_path / "alice" / "database-key").read_text().split()[0])
    pages = list(pages_of(path, key, "SELECT data FROM messages WHERE id BETWEEN 90 AND 110"))
    damage(path, pages[-1] - 1)
    with Daemon(tmp_path, "alice") as daemon:
        for _ in range(2):
            daemon.up()
            eventually(lambda: daemon.health().status == 503)
            assert "damage" in {each["kind"] for each in daemon.status()["trouble_details"]}
            assert "qabel salvage" in daemon.troubles()
            daemon.stop()
            daemon.again()
