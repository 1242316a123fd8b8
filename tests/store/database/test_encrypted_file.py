"""The file of the database: opened and closed, its jobs in order, its key replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.python.failure import Failure

from qabel.store.database.connection import Connection, has_log
from qabel.store.database.creating import unfinished_path
from qabel.store.database.encrypted_file import EncryptedFile
from qabel.store.database.errors import (
    AlreadyThere,
    KeyTrouble,
    StoreClosed,
    StoreError,
    WrongKey,
)
from qabel.store.database.schema import migrations
from qabel.store.database.transactions import DatabaseJob
from qabel.store.key_record import GivenKey, KeyRecord

OTHER_KEY = b"\x77" * 32


@pytest.fixture
def keys(key: bytes) -> GivenKey:
    """Return the source of the file's key."""
    return GivenKey(key)


@pytest.fixture
def file(path: Path, keys: GivenKey) -> Iterator[EncryptedFile]:
    """Return an open file."""
    opened = EncryptedFile(path, keys, migrations())
    opened.open()
    yield opened
    opened.close()


def save(name: str) -> DatabaseJob:
    """Return the job of saving a document."""
    return DatabaseJob(
        lambda connection: connection.execute("INSERT INTO documents VALUES (?, x'00')", (name,))
    )


def names(file: EncryptedFile) -> list[str]:
    """Return the names of the documents in the file."""
    job = DatabaseJob(lambda c: c.execute("SELECT name FROM documents ORDER BY name").fetchall())
    file.handle([job])
    return [row[0] for row in job.result]


def test_jobs_run_in_their_order(file: EncryptedFile) -> None:
    """Work outside of transactions sees all transactions before it, and none after it."""
    seen: list[tuple[bool, int]] = []

    def look(connection: Connection) -> None:
        row = connection.execute("SELECT count(*) FROM documents").fetchone()
        seen.append((connection.in_transaction, row[0] if row else -1))

    outside = [DatabaseJob(look, transaction=False) for _ in range(2)]
    file.handle([save("a"), save("b"), outside[0], save("c"), outside[1]])
    assert seen == [(False, 2), (False, 3)]


def test_the_file_can_be_closed_among_other_jobs(file: EncryptedFile) -> None:
    """Transactions before the end are done, and those after it fail with StoreClosed."""
    before, after = save("a"), save("b")
    file.handle([before, DatabaseJob(lambda _: file.close(), transaction=False), after])
    assert not isinstance(before.result, Failure)
    assert after.result.check(StoreClosed)
    file.close()
    file.open()
    assert names(file) == ["a"]


def test_once_abandoned_nothing_is_begun(file: EncryptedFile) -> None:
    """What still waits when closing takes too long fails with StoreClosed."""
    file.abandoned = True
    job = save("a")
    file.handle([job])
    assert job.result.check(StoreClosed)
    file.abandoned = False
    assert names(file) == []


def test_an_error_names_the_file(file: EncryptedFile, path: Path) -> None:
    """An error of SQLite becomes a StoreError that names the file."""
    job = DatabaseJob(lambda connection: connection.execute("SELECT * FROM missing"))
    file.handle([job])
    assert job.result.check(StoreError)
    assert str(path) in job.result.getErrorMessage()


def test_what_an_interrupted_change_left_is_removed(file: EncryptedFile, path: Path) -> None:
    """Opening removes an unfinished copy, and settles which key is in force."""
    file.close()
    unfinished_path(path).write_bytes(b"half")
    keys = GivenKey(OTHER_KEY)
    keys.write(KeyRecord(file._key, OTHER_KEY))
    again = EncryptedFile(path, keys, migrations())
    again.open()
    assert keys.read() == KeyRecord(file._key)
    assert not unfinished_path(path).exists()
    again.close()


def test_a_key_that_cannot_be_settled(file: EncryptedFile, path: Path, key: bytes) -> None:
    """If the key source fails, opening fails, and the file is closed again."""

    class ReadOnly(GivenKey):
        def write(self, record: KeyRecord) -> None:
            raise KeyTrouble("read-only")

    file.close()
    keys = ReadOnly(key)
    keys._record = KeyRecord(key, OTHER_KEY)
    again = EncryptedFile(path, keys, migrations())
    with pytest.raises(KeyTrouble, match="read-only"):
        again.open()
    job = save("a")
    again.handle([job])
    assert job.result.check(StoreClosed)
    assert not has_log(path)


def test_the_key_is_replaced(file: EncryptedFile, path: Path, keys: GivenKey, key: bytes) -> None:
    """After a change of key the open file continues, and only the new key opens it."""
    file.handle([save("a")])
    file.rekey(OTHER_KEY)
    file.handle([save("b")])
    assert names(file) == ["a", "b"]
    assert keys.read() == KeyRecord(OTHER_KEY, earlier=(key,))
    file.close()
    with pytest.raises(WrongKey):
        EncryptedFile(path, GivenKey(key), migrations()).open()


def test_a_file_that_is_not_open(path: Path, keys: GivenKey, key: bytes) -> None:
    """A file that is not open can be neither used nor copied, nor get another key."""
    file = EncryptedFile(path, keys, migrations())
    jobs = [save("a"), save("b")]
    file.handle(jobs[:1])
    file.back_up(jobs[1:], path.with_name("copy"), lambda: False)
    assert [bool(job.result.check(StoreClosed)) for job in jobs] == [True, True]
    with pytest.raises(StoreClosed):
        file.rekey(OTHER_KEY)
    file.close()
    assert keys.read() == KeyRecord(key)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "error", "text"),
    [("there", AlreadyThere, "already exists"), ("a/b/copy", StoreError, "No such file")],
)
def test_a_backup_that_fails(
    file: EncryptedFile, path: Path, target: str, error: type[StoreError], text: str
) -> None:
    """A backup that cannot be written fails its job with one line that names the target."""
    path.with_name("there").touch()
    job = DatabaseJob(lambda _: None, transaction=False)
    file.back_up([job], path.parent / target, lambda: False)
    assert job.result.check(error)
    assert text in job.result.getErrorMessage()
    assert target in job.result.getErrorMessage()


def test_a_backup_that_succeeds(file: EncryptedFile, path: Path, keys: GivenKey) -> None:
    """A backup opens with the same key, and has what the file had."""
    file.handle([save("a")])
    job = DatabaseJob(lambda _: None, transaction=False)
    file.back_up([job], path.with_name("copy"), lambda: False)
    assert job.result is None
    copy = EncryptedFile(path.with_name("copy"), keys, migrations())
    copy.open()
    assert names(copy) == ["a"]
    copy.close()


def test_the_key_is_not_shown(file: EncryptedFile, key: bytes) -> None:
    """The repr of an open file does not show its key."""
    shown = repr(file)
    assert repr(key) not in shown
    assert key.hex() not in shown
