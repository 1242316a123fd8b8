"""Backups, copies and new keys of databases: whole or refused, and no reader skips anything."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import frozen
from twisted.internet import reactor

from qabel.store.database.connection import PAGE_SIZE, connect
from qabel.testing.correspondents import Correspondents
from tests.cli.conftest import call
from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually
from tests.store.database.pages_of import overwrite, pages_of

COUNT = 100


@frozen
class Correspondence:
    """A daemon, and somebody who writes to it."""

    daemon: Daemon
    box: Box
    contact: dict[str, Any]
    pen: Pen

    def receive(self, *numbers: int, padding: int = 0) -> None:
        """Leave messages in the drop, and wait until they are there."""
        key = self.contact["public_key"]
        sealed = [self.pen.seal(key, number, padding=padding) for number in numbers]
        before = self.count()
        self.box.put(self.contact["drop_urls"][0], *sealed)
        eventually(lambda: self.count() >= before + len(numbers))

    def count(self) -> int:
        """Return how many messages there are."""
        number: int = self.daemon.status()["inbox"]["messages"]
        return number


@contextmanager
def corresponding(folder: Path) -> Iterator[Correspondence]:
    """Run a daemon, a drop server, and somebody who writes."""
    box = Box()
    with BadServer(box.serve) as server, Daemon(folder, "alice").up() as alice:
        yield Correspondence(alice, box, alice.live(server.url), Pen())


def key_of(daemon: Daemon) -> bytes:
    """Return the key of the database."""
    return bytes.fromhex((daemon.directory / "database-key").read_text().split()[0])


@pytest.fixture
def damaged(tmp_path: Path) -> Daemon:
    """Return a stopped daemon whose database has one damaged page, in the middle of messages."""
    with corresponding(tmp_path) as made:
        made.receive(*range(COUNT), padding=500)
        made.daemon.stop()
    path = made.daemon.directory / "qabel.db"
    pages = list(pages_of(path, key_of(made.daemon), "SELECT * FROM messages NOT INDEXED"))
    overwrite(path, pages[len(pages) // 2])
    return made.daemon


def test_no_backup_of_a_damaged_database(damaged: Daemon) -> None:
    """A backup of a damaged database is refused, with what is whole, and leaves no file."""
    with damaged.again():
        refused = damaged.api.ask("POST", "/backup", {"name": "copy.db"})
        assert refused.status == 503
        assert "Damaged tables: messages." in refused.body["detail"]
        assert list((damaged.directory / "backups").iterdir()) == []


def test_no_new_key_for_a_damaged_database(damaged: Daemon, tmp_path: Path) -> None:
    """``qabel key change`` leaves a damaged database as it is; salvaging gets the rest of it."""
    path = damaged.directory / "qabel.db"
    before = path.read_bytes()
    changed = call("--data-dir", str(damaged.directory), "key", "change")
    assert changed.exit_status == 1
    assert "damaged" in changed.err
    assert path.read_bytes() == before
    new = tmp_path / "new"
    salvaged = call("--data-dir", str(damaged.directory), "salvage", "--to", str(new))
    assert salvaged.exit_status == 1
    assert "messages" in salvaged.out + salvaged.err
    with Daemon(tmp_path, "new").up() as daemon:
        heard = daemon.heard()
        assert COUNT // 2 < len(heard) < COUNT
        assert daemon.health().status == 200
        assert daemon.api.ask("POST", "/backup", {"name": "copy.db"}).status == 201


def test_a_copy_that_is_put_back_skips_nothing(tmp_path: Path) -> None:
    """A cursor of after the copy is rejected, however many messages came since."""
    with corresponding(tmp_path) as made:
        daemon = made.daemon
        made.receive(*range(10))
        daemon.stop()
        spare = tmp_path / "spare"
        shutil.copytree(daemon.directory, spare)
        with daemon.again():
            made.receive(*range(10, 15))
            latest = daemon.api.ask("GET", "/drop?since=0").headers["x-qabel-latest"]
            daemon.stop()
        shutil.rmtree(daemon.directory)
        spare.rename(daemon.directory)
        with daemon.again():
            made.receive(*range(15, 27))
            eventually(lambda: made.count() == 27)
            reply = daemon.api.ask("GET", f"/drop?since={latest}")
            given = [each["data"]["msg"] for each in reply.body] if reply.status == 200 else []
            assert reply.status == 410 or set(given) >= set(range(10, 27)), given
            assert sorted(daemon.heard()) == list(range(27))


def test_a_backup_that_is_killed(tmp_path: Path) -> None:
    """A kill in the middle leaves nothing under the name, and a start sweeps up the rest."""
    with corresponding(tmp_path) as made:
        daemon = made.daemon
        made.receive(*range(COUNT), padding=900)
        folder = daemon.directory / "backups"

        def back_up() -> None:
            with suppress(OSError):
                daemon.api.ask("POST", "/backup", {"name": "one.db"})

        for _ in range(3):
            asking = threading.Thread(target=back_up)
            asking.start()
            while asking.is_alive() and not (folder.is_dir() and os.listdir(folder)):
                pass
            daemon.process.kill()
            asking.join()
            left = folder / "one.db"
            assert not left.exists() or left.stat().st_size > 0
            daemon.again()
            assert not [each for each in folder.iterdir() if each != left]
            left.unlink(missing_ok=True)
        assert daemon.api.ask("POST", "/backup", {"name": "one.db"}).status == 201


def test_files_shrink(tmp_path: Path) -> None:
    """Once all messages are deleted, the space that they took is given back."""
    with corresponding(tmp_path) as made:
        daemon = made.daemon
        made.receive(*range(900), padding=1800)
        ids = [each["id"] for each in daemon.api.good("GET", "/drop?since=0&limit=10000")]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: daemon.api.good("DELETE", f"/drop/{each}"), ids))
        daemon.stop()
        path = daemon.directory / "qabel.db"
        full = path.stat().st_size
        with daemon.again(), closing(connect(path, key_of(daemon))) as other:

            def pages() -> int:
                number: int = other.execute("PRAGMA page_count").fetchall()[0][0]
                return number

            eventually(lambda: pages() < 0.8 * full / PAGE_SIZE, "it is as large as before")
            # The file itself is cut once the write-ahead log was written to it.
            daemon.stop()
        assert path.stat().st_size < 0.8 * full


@pytest_twisted.ensureDeferred
async def test_the_directory_of_the_backups_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a first backup is reported, the name of its directory is on the disk too."""
    synced: set[int] = set()
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    world = Correspondents(tmp_path, reactor)
    try:
        core = await world.core("alice")
        monkeypatch.setattr(os, "fsync", note)
        backup = Path((await core.backup("one.db")).path)
        assert {each.stat().st_ino for each in (backup.parent, backup.parents[1])} <= synced
    finally:
        await world.close()
