"""The database: opened, used and closed, with real threads on real files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event, get_ident
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.task import Clock

from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, StoreClosed, StoreError, StoreFull
from qabel.store.key_record import GivenKey
from tests.mounts import mount_memory, unmount
from tests.store.database.damage import damage

ADD = "INSERT INTO documents (name, body) VALUES (?, ?)"


def add(name: str, size: int = 1) -> Any:
    """Return a transaction that adds a document."""
    return lambda connection: connection.execute(ADD, (name, b"x" * size)).rowcount


def names(connection: Any) -> list[str]:
    """Return the names of all documents."""
    return [row[0] for row in connection.execute("SELECT name FROM documents ORDER BY name")]


def test_a_database_is_created_and_opened_again(
    path: Path, key: bytes, here: Any, got: Any
) -> None:
    """The first start creates a private file, and what was written is there at the next one."""
    first = Database(path, GivenKey(key), worker=here)
    got(first.open())
    got(first.run(add("a")))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    got(first.close())
    second = Database(path, GivenKey(key), worker=here)
    got(second.open())
    assert got(second.run(names)) == ["a"]
    assert got(second.run(damage)) == []
    got(second.close())
    assert set(modes.values()) == {0o600}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_connection_is_set_up(database: Database, rows: Any) -> None:
    """The database uses a write-ahead log, and waits for the disk at each commit."""
    assert rows("PRAGMA journal_mode") == [("wal",)]
    assert rows("PRAGMA synchronous") == [(2,)]


@pytest_twisted.ensureDeferred
async def test_cancelled_opening(path: Path, key: bytes) -> None:
    """Closing waits for an opening that was cancelled: the thread was in the middle of it."""
    cancelled = Database(path, GivenKey(key))
    opening = cancelled.open()
    opening.cancel()
    with pytest.raises(CancelledError):
        await opening
    await cancelled.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    database = Database(path, GivenKey(key))
    await database.open()
    await database.close()


def test_opened_only_once(database: Database, got: Any) -> None:
    """A Database is opened only once."""
    with pytest.raises(StoreError, match="opened before"):
        got(database.open())


def test_a_database_that_is_not_open(path: Path, key: bytes, here: Any, got: Any) -> None:
    """Every call to a database that is not open fails with StoreClosed."""
    database = Database(path, GivenKey(key), worker=here)
    for _ in range(2):
        for ask in (
            lambda: database.run(names),
            lambda: database.backup(path.with_name("copy")),
            lambda: database.rekey(key),
        ):
            with pytest.raises(StoreClosed):
                got(ask())
        got(database.close())
        if not path.exists():
            got(database.open())
            got(database.close())


@pytest_twisted.ensureDeferred
async def test_calls_before_it_is_open(path: Path, key: bytes) -> None:
    """Calls made before the database is open run after that, off the reactor's thread."""
    database = Database(path, GivenKey(key))
    opened = database.open()
    thread = database.run(lambda _: get_ident())
    closed = database.close()
    await opened
    assert await thread != get_ident()
    await closed


@pytest_twisted.ensureDeferred
async def test_calls_before_opening_failed(path: Path, key: bytes) -> None:
    """Calls made before the opening failed fail with StoreClosed."""
    path.write_bytes(b"garbage")
    database = Database(path, GivenKey(key))
    opened = database.open()
    waiting = database.run(names)
    with pytest.raises(StoreError):
        await opened
    with pytest.raises(StoreClosed):
        await waiting
    await database.close()


@pytest_twisted.ensureDeferred
async def test_closing_finishes_earlier_calls(path: Path, key: bytes, here: Any, got: Any) -> None:
    """Every call made before closing is completed."""
    database = Database(path, GivenKey(key))
    await database.open()
    jobs = [database.run(add(f"{i:03}")) for i in range(200)]
    await database.close()
    await gatherResults(jobs)
    again = Database(path, GivenKey(key), worker=here)
    got(again.open())
    assert len(got(again.run(names))) == 200
    got(again.close())


@pytest_twisted.ensureDeferred
async def test_closing_interrupts_what_takes_too_long(path: Path, key: bytes) -> None:
    """After half of the timeout, running work is interrupted, and waiting work is not begun."""
    clock = _ClockWithThreads()
    database = Database(path, GivenKey(key), reactor=clock)
    await database.open()
    started = Event()

    def endless(connection: Any) -> None:
        started.set()
        connection.execute(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        ).fetchall()

    running = database.run(endless)
    waiting = [database.run(add(f"{i}")) for i in range(3)]
    started.wait()
    closed = database.close(timeout=4.0)
    clock.advance(2.0)
    await closed
    for job in (running, *waiting):
        with pytest.raises(StoreClosed):
            await job
    assert not clock.getDelayedCalls()


@pytest_twisted.ensureDeferred
async def test_closing_ends_even_if_the_disk_hangs(path: Path, key: bytes) -> None:
    """If the disk does not respond at all, closing fails after its timeout."""
    clock = _ClockWithThreads()
    database = Database(path, GivenKey(key), reactor=clock)
    await database.open()
    started, hangs = Event(), Event()
    running = database.run(lambda _: (started.set(), hangs.wait()))
    started.wait()
    closed = database.close(timeout=4.0)
    clock.advance(2.0)
    clock.advance(2.0)
    with pytest.raises(StoreError, match="does not respond"):
        await closed
    hangs.set()
    await running


def test_a_damaged_file_is_reported(path: Path, key: bytes, here: Any, got: Any) -> None:
    """A page that was changed by others is reported as damaged, and not read."""
    database = Database(path, GivenKey(key), worker=here)
    got(database.open())
    for i in range(100):
        got(database.run(add(f"{i}", 1000)))
    got(database.close())
    with path.open("r+b") as file:
        file.seek(-3 * 4096 + 100, os.SEEK_END)
        file.write(b"damage")
    again = Database(path, GivenKey(key), worker=here)
    got(again.open())
    with pytest.raises(Corrupt):
        got(again.run(damage))
    with pytest.raises(Corrupt):
        got(again.run(lambda connection: connection.execute("SELECT * FROM documents").fetchall()))
    got(again.close())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a disk of 3 MB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    if not mount_memory(mounted, 3):
        pytest.skip("mounting a small disk is not allowed here")
    yield mounted
    unmount(mounted)


def test_a_full_disk_changes_nothing_and_passes(
    small_disk: Path, key: bytes, here: Any, got: Any
) -> None:
    """A transaction fails as a whole on a full disk, and work continues once there is space."""
    database = Database(small_disk / "qabel.db", GivenKey(key), worker=here)
    got(database.open())
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    kept = 0

    def fill() -> None:
        nonlocal kept
        while True:
            got(database.run(add(f"{kept:04}", 50_000)))
            kept += 1

    with pytest.raises(StoreFull, match="No space left"):
        fill()
    assert len(got(database.run(names))) == kept
    with pytest.raises(StoreFull):
        got(database.rekey(bytes(32)))
    with pytest.raises(StoreFull):
        got(database.backup(small_disk / "copy"))
    ballast.unlink()
    got(database.run(add("more")))
    assert len(got(database.run(names))) == kept + 1
    assert got(database.run(damage)) == []
    got(database.close())
    left = {each.name for each in small_disk.iterdir()}
    assert left <= {"qabel.db", "qabel.db-wal", "qabel.db-shm"}


@pytest.mark.parametrize("group", [1, 5])
def test_a_database_with_no_pages_left(database: Database, rows: Any, got: Any, group: int) -> None:
    """SQLite's own limit is reported as a full disk, and undoes no other transaction."""
    pages = rows("PRAGMA page_count")[0][0]
    rows(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFull):
        got(database.run(add("big", 100_000)))
    for i in range(group):
        got(database.run(add(f"{i}")))
    rows("PRAGMA max_page_count = 1000000")
    got(database.run(add("big", 100_000)))
    assert len(got(database.run(names))) == group + 1


class _ClockWithThreads(Clock):
    """A clock that the test advances, with the real reactor for the results of threads."""

    def callFromThread(self, *args: Any) -> None:
        """Have the real reactor call it."""
        from twisted.internet import reactor

        reactor.callFromThread(*args)  # type: ignore[attr-defined]


def test_a_full_disk_is_reported(database: Database, got: Any) -> None:
    """Each transaction that found the disk full is reported once, before its caller hears of it."""
    reported: list[str] = []
    database.on_failure = lambda _: reported.append("full")

    def fail(error: Exception) -> Any:
        def work(_: Any) -> None:
            raise error

        return work

    for error, expected in ((StoreError("other"), []), (StoreFull("full"), ["full", "caller"])):
        ran = database.run(fail(error))
        ran.addErrback(lambda failure: reported.append("caller") if reported else None)
        got(ran)
        assert reported == expected
    assert got(database.run(lambda _: 5)) == 5
    assert reported == ["full", "caller"]
