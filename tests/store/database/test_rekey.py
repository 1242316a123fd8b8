"""Changing the key: wherever it is interrupted, one of the stored keys opens the database."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qabel.keys.key_file import KeyFile
from qabel.store.database.connection import read_versions
from qabel.store.database.database import Database
from qabel.store.database.errors import KeyTrouble, StoreError, WrongKey
from qabel.store.key_record import GivenKey, KeyRecord
from tests.store.database.damage import damage

NEW = b"\x77" * 32


def fill(database: Database, got: Any, count: int = 200) -> None:
    """Write documents, so that there is more than a page."""

    def work(connection: Any) -> None:
        for i in range(count):
            connection.execute("INSERT INTO documents VALUES (?, ?)", (f"{i:06}", b"x" * 900))

    got(database.run(work))


def count(database: Database, got: Any) -> int:
    """Return the number of documents, after checking that nothing is damaged."""
    assert got(database.run(damage)) == []
    return got(database.run(lambda c: c.execute("SELECT count(*) FROM documents").fetchone()[0]))


def test_only_the_new_key_opens_it(tmp_path: Path, path: Path, here: Any, got: Any) -> None:
    """After a change only the new key opens the database, and cursors are still valid."""
    keys = KeyFile(tmp_path / "key")
    database = Database(path, keys, worker=here)
    got(database.open())
    old = keys.read().current
    fill(database, got)
    read_id = lambda c: c.execute("SELECT database_id FROM state").fetchone()  # noqa: E731
    before = got(database.run(read_id))
    got(database.rekey(NEW))
    assert keys.read() == KeyRecord(NEW, earlier=(old,))
    assert got(database.run(read_id)) == before
    got(database.run(lambda c: c.execute("DELETE FROM documents WHERE name < '000100'")))
    got(database.close())
    with pytest.raises(WrongKey):
        read_versions(path, old)
    again = Database(path, keys, worker=here)
    got(again.open())
    assert count(again, got) == 100
    got(again.close())
    assert [each.name for each in path.parent.iterdir()] == [path.name]


class FailingKeys(GivenKey):
    """A key source of which one write fails, before or after it is done."""

    def __init__(self, key: bytes, fails_at: int, *, done: bool) -> None:
        super().__init__(key)
        self.fails_at = fails_at
        self.done = done
        self.writes = 0

    def write(self, record: KeyRecord) -> None:
        """Store the record, unless this write is the one to fail."""
        self.writes += 1
        if self.writes != self.fails_at or self.done:
            super().write(record)
        if self.writes == self.fails_at:
            raise KeyTrouble("it cannot be written")


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_key_source_that_fails(
    path: Path, key: bytes, here: Any, got: Any, fails_at: int, done: bool
) -> None:
    """Whichever write fails, the database continues, and opens at the next start."""
    keys = FailingKeys(key, fails_at, done=done)
    database = Database(path, keys, worker=here)
    got(database.open())
    fill(database, got)
    with pytest.raises(KeyTrouble):
        got(database.rekey(NEW))
    assert count(database, got) == 200
    got(database.close())
    again = Database(path, keys, worker=here)
    got(again.open())
    assert count(again, got) == 200
    got(again.close())
    assert keys.read().following is None


def test_a_copy_that_fails_changes_nothing(
    path: Path, key: bytes, here: Any, got: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new file cannot replace the old one, the old key stays in force."""
    keys = GivenKey(key)
    database = Database(path, keys, worker=here)
    got(database.open())
    fill(database, got)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _fail)
        with pytest.raises(StoreError, match="Input/output error"):
            got(database.rekey(NEW))
    assert keys.read() == KeyRecord(key)
    assert count(database, got) == 200
    got(database.rekey(NEW))
    assert count(database, got) == 200
    got(database.close())


def _fail(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_key_of_another_size_is_rejected(database: Database, got: Any) -> None:
    """A key that does not have 32 bytes is rejected, and changes nothing."""
    with pytest.raises(KeyTrouble, match="32 bytes"):
        got(database.rekey(b"short"))
    assert got(database.run(damage)) == []


SCRIPT = """
import sys
from pathlib import Path
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.keys.key_file import KeyFile
path, key = map(Path, sys.argv[1:])
database = Database(path, KeyFile(key), worker=InlineWorker)
database.open()
print("open", flush=True)
i = 0
while True:
    i += 1
    database.rekey(bytes([i % 256]) * 32)
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.05, 0.08, 0.13])
def test_killed_while_the_key_changes(
    tmp_path: Path, path: Path, here: Any, got: Any, delay: float
) -> None:
    """A process killed at any moment of changing keys leaves a database that opens."""
    keys = KeyFile(tmp_path / "key")
    database = Database(path, keys, worker=here)
    got(database.open())
    fill(database, got, 1000)
    got(database.close())
    command = [sys.executable, "-c", SCRIPT, str(path), str(keys.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
    again = Database(path, keys, worker=here)
    got(again.open())
    assert count(again, got) == 1000
    assert keys.read().following is None
    got(again.close())
    assert [each.name for each in path.parent.iterdir()] == [path.name]
