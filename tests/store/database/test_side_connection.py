"""The connection that reads beside the one that writes."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.store.database import side_connection
from qabel.store.database.encrypted_file import EncryptedFile
from qabel.store.database.errors import StoreClosed, StoreError
from qabel.store.database.schema import migrations
from qabel.store.database.side_connection import ReadTookTooLong
from qabel.store.database.transactions import DatabaseJob
from qabel.store.key_record import GivenKey

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest.fixture
def file(path: Path, key: bytes) -> Iterator[EncryptedFile]:
    """Return an open file."""
    opened = EncryptedFile(path, GivenKey(key), migrations())
    opened.open()
    yield opened
    opened.close()


def run(file: EncryptedFile, sql: str) -> None:
    """Commit a statement."""
    job = DatabaseJob(lambda connection: connection.execute(sql).rowcount)
    file.handle([job])
    assert not isinstance(job.result, Exception)


def names(file: EncryptedFile) -> list[tuple[str]]:
    """Return the names of the documents."""
    return file.side.read("SELECT name FROM documents ORDER BY name")


def test_it_reads_what_is_committed(file: EncryptedFile) -> None:
    """Each statement sees what was committed before it."""
    assert names(file) == []
    run(file, "INSERT INTO documents VALUES ('a', x'00')")
    assert names(file) == [("a",)]


def test_it_cannot_write(file: EncryptedFile) -> None:
    """A statement that would change anything is refused, and reading goes on."""
    with pytest.raises(StoreError):
        file.side.read("INSERT INTO documents VALUES ('a', x'00')")
    assert names(file) == []


def test_what_is_deleted_is_erased_although_it_reads(file: EncryptedFile, path: Path) -> None:
    """It does not keep the log of the database from being emptied."""
    run(file, "INSERT INTO documents VALUES ('a', x'00')")
    assert names(file) == [("a",)]
    run(file, "DELETE FROM documents")
    file.erase_all()
    assert path.with_name(path.name + "-wal").stat().st_size == 0
    assert names(file) == []


def test_a_changed_key(file: EncryptedFile) -> None:
    """After a change of key it goes on."""
    run(file, "INSERT INTO documents VALUES ('a', x'00')")
    assert names(file) == [("a",)]
    file.rekey(b"\x77" * 32)
    assert names(file) == [("a",)]


def test_a_closed_file(path: Path, key: bytes) -> None:
    """Of a file that is closed nothing is read, and no log stays beside it."""
    opened = EncryptedFile(path, GivenKey(key), migrations())
    opened.open()
    assert names(opened) == []
    opened.close()
    with pytest.raises(StoreClosed):
        names(opened)
    assert not path.with_name(path.name + "-wal").exists()


def test_a_statement_that_reads_long(file: EncryptedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is interrupted, and the next one is run."""
    monkeypatch.setattr(side_connection, "LONGEST_READ", 0.05)
    with pytest.raises(ReadTookTooLong, match="after"):
        file.side.read(ENDLESS)
    assert names(file) == []


def test_what_needs_the_file_for_itself_interrupts_reading(file: EncryptedFile) -> None:
    """It does not wait for a long statement, which begins anew afterwards."""
    ended: list[BaseException] = []

    def read() -> None:
        try:
            file.side.read(ENDLESS)
        except ReadTookTooLong as error:
            ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while not file.side._lock.locked():
        time.sleep(0.001)
    started = time.monotonic()
    with file.side.away():
        waited = time.monotonic() - started
        assert not ended
        assert file.side._connection is None
    thread.join()
    assert waited < 0.5
    assert len(ended) == 1
