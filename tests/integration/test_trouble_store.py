"""The database cannot be written: the daemon says so at once, goes on to read, and recovers."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from qabel.store.database.connection import connect
from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually
from tests.mounts import mount_read_only, unmount

Hindrance = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Have another connection hold the lock for writing."""
    key = bytes.fromhex((directory / "database-key").read_text().split()[0])
    other = connect(directory / "qabel.db", key)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def deleted(directory: Path) -> Iterator[None]:
    """Take the file away, and put it back."""
    path, away = directory / "qabel.db", directory / "away"
    path.rename(away)
    yield
    away.rename(path)


@contextmanager
def immutable(directory: Path) -> Iterator[None]:
    """Forbid any change of the files."""
    names = [str(directory / name) for name in ("qabel.db", "qabel.db-wal")]
    if os.geteuid() or subprocess.run(["chattr", "+i", *names], check=False).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *names], check=True)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Make the file system of the directory read-only."""
    if not mount_read_only(directory):
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        unmount(directory)


@pytest.mark.parametrize(
    ("hinder", "what"),
    [
        (locked, "is in use by another process"),
        (deleted, "was deleted, or another file has its name"),
        (immutable, "cannot be written"),
        (read_only, "cannot be written"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, hinder: Hindrance, what: str) -> None:
    """Health is bad within 5 s though nothing was written, reading goes on, and all recovers."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url)
        url, key = contact["drop_urls"][0], contact["public_key"]
        alice.knows("bob", bob.public, f"{server.url}/{'b' * 43}")
        box.put(url, bob.seal(key, "before"))
        alice.hears(["before"])
        with hinder(alice.directory):
            started = time.monotonic()
            eventually(lambda: alice.health().status == 503, alice.troubles)
            assert time.monotonic() - started < 5
            assert what in alice.troubles()
            assert alice.api.ask("GET", "/drop?since=0").status == 200
            if hinder is not read_only:
                # What the process has open can be written all the same there.
                refused = alice.api.say("during")
                assert refused.status == 503
                assert what in refused.body["detail"]
            box.put(url, bob.seal(key, "during"))
        eventually(lambda: alice.health().status == 200, alice.troubles)
        alice.hears(["before", "during"])
        assert alice.api.say("after").status == 201
        eventually(lambda: alice.status()["troubles"] == [], alice.troubles)
        assert "Traceback" not in alice.process.log
        assert alice.stop() < 5


def _leads_to_deleted(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor).endswith("-wal (deleted)")
    except OSError:
        return False


def test_a_log_that_is_deleted_costs_nothing(tmp_path: Path) -> None:
    """The write-ahead log is deleted under the daemon: what was in it is there after a kill."""
    with Daemon(tmp_path, "alice").up() as alice:
        alice.api.good("PUT", "/settings", {"key": "module_data.x.y", "value": "kept"})
        (alice.directory / "qabel.db-wal").unlink()
        # Whatever else opens the database makes another log, before this one is let go.
        opened = Path(f"/proc/{alice.process.process.pid}/fd")
        eventually(lambda: not any(_leads_to_deleted(each) for each in opened.iterdir()))
        alice.process.process.kill()
        alice.process.process.wait()
    with alice.again():
        assert alice.api.good("GET", "/settings")["module_data"]["x"] == {"y": "kept"}
