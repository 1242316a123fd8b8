"""The message store of a drop server: its order, its end, and its one error."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_store import MessageStore
from qabel.dropserver.message_values import Post, Retention, Selection, Since, hash_drop_id
from qabel.dropserver.storage import StoreUnavailable
from tests.conftest import LoggedFailures
from tests.dropserver.small_disk import damage_page

DROP = "a" * 43


@pytest.fixture
def file(tmp_path: Path) -> MessageFile:
    """Return an empty file of messages."""
    return MessageFile(tmp_path / "drops", Retention(), now=lambda: 1_800_000_000.0)


@pytest_twisted.ensureDeferred
async def test_stamps_are_delivered_in_order(file: MessageFile) -> None:
    """Stamps are delivered in ascending order, and all messages are read back."""
    store = MessageStore(file, reactor)
    delivered: list[int] = []
    appended = [store.append(Post(DROP, b"%d" % number)) for number in range(100)]
    for each in appended:
        each.addCallback(delivered.append)
    await gatherResults(appended)
    assert len(set(delivered)) == 100
    assert delivered == sorted(delivered)
    rows = await store.read(DROP, 0, delivered[-1], 1000, list)
    assert [body for _, body in rows] == [b"%d" % number for number in range(100)]
    await store.close()


@pytest_twisted.ensureDeferred
async def test_closing(file: MessageFile) -> None:
    """A store that closes finishes what was asked for before, and rejects everything later."""
    store = MessageStore(file, reactor)
    appended = store.append(Post(DROP, b"body"))
    closed = store.close()
    assert await appended > 0
    await closed
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.append(Post(DROP, b"body"))
    with pytest.raises(sqlite3.ProgrammingError):
        file.read(DROP, 0, 1, 1)


@pytest_twisted.ensureDeferred
async def test_failures_are_logged_once_in_a_row(
    file: MessageFile, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    """Several failures in a row are logged once, and the store works again after them."""

    def fail(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    store = MessageStore(file, reactor)
    with monkeypatch.context() as patch:
        patch.setattr(MessageFile, "append", fail)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.append(Post(DROP, b"body"))
    assert len(logged_failures.flush()) == 1
    assert await store.append(Post(DROP, b"body")) > 0
    await store.close()


@pytest_twisted.ensureDeferred
async def test_opening_reads_the_first_messages(file: MessageFile) -> None:
    """A selection covers all newer messages, and comes with as many of them as were asked for."""
    store = MessageStore(file, reactor)
    stamps = [await store.append(Post(DROP, b"%d" % number)) for number in range(3)]
    expected = Selection(stamps[0], stamps[2], (2, 2))
    assert await store.open(DROP, Since(stamps[0]), 1) == (expected, [(stamps[1], b"1")])
    assert await store.open(DROP, Since(stamps[0]), 0) == (expected, [])
    assert await store.open(DROP, Since(stamps[2]), 1) is None
    await store.close()


@pytest_twisted.ensureDeferred
async def test_only_one_error_is_raised(file: MessageFile, logged_failures: LoggedFailures) -> None:
    """Whatever is wrong with the file, every method fails with StoreUnavailable."""
    store = MessageStore(file, reactor)
    file.close()
    for failed in (
        store.append(Post(DROP, b"body")),
        store.open(DROP, None, 1),
        store.read(DROP, 0, 1, 1, list),
        store.expire(),
        store.forget_deleted(),
    ):
        with pytest.raises(StoreUnavailable):
            await failed
    await store.close()
    assert len(logged_failures.flush()) == 1


@pytest_twisted.ensureDeferred
async def test_a_damaged_drop_takes_no_other_with_it(
    file: MessageFile, tmp_path: Path, logged_failures: LoggedFailures
) -> None:
    """Of messages that come together, those of drops on whole pages are stored."""
    # So many drops that their index has several pages.
    drops = [f"{number:043d}" for number in range(1000)]
    file.append([Post(drop, b"old") for drop in drops])
    file.close()
    damage_page(tmp_path / "drops", hash_drop_id(drops[0]))
    store = MessageStore(MessageFile(tmp_path / "drops", Retention(), now=lambda: 2e9), reactor)
    results = await DeferredList(
        [store.append(Post(drop, b"new")) for drop in drops[:50]], consumeErrors=True
    )
    assert {good for good, _ in results} == {True, False}
    await store.close()
    assert logged_failures.flush()
