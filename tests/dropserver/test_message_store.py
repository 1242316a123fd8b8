"""The store of a drop server: in order, closed once, and unavailable in one way only."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from qabel.dropserver.message_file import MessageFile, Retention
from qabel.dropserver.message_store import MessageStore, StoreUnavailable
from tests.conftest import LoggedFailures

DROP = "a" * 43


@pytest.fixture
def file(tmp_path: Path) -> MessageFile:
    """Return an empty file of messages."""
    return MessageFile(tmp_path / "drops", Retention(), now=lambda: 1_800_000_000.0)


@pytest_twisted.ensureDeferred
async def test_stamps_are_delivered_in_order(file: MessageFile) -> None:
    """Whoever hands on a stamp when it is there never overtakes a smaller one."""
    store = MessageStore(file, reactor)
    delivered: list[int] = []
    appended = [store.append(DROP, b"%d" % number) for number in range(100)]
    for each in appended:
        each.addCallback(delivered.append)
    await gatherResults(appended)
    assert len(set(delivered)) == 100
    assert delivered == sorted(delivered)
    rows = await store.read(DROP, 0, delivered[-1], 1000)
    assert [body for _, body in rows] == [b"%d" % number for number in range(100)]
    await store.close()


@pytest_twisted.ensureDeferred
async def test_closing(file: MessageFile) -> None:
    """What was asked for before is done; what comes later is refused."""
    store = MessageStore(file, reactor)
    appended = store.append(DROP, b"body")
    closed = store.close()
    assert await appended > 0
    await closed
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.append(DROP, b"body")
    with pytest.raises(sqlite3.ProgrammingError):
        file.read(DROP, 0, 1, 1)


@pytest_twisted.ensureDeferred
async def test_failures_are_logged_once_in_a_row(
    file: MessageFile, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    """A disk that fails makes the store unavailable, with one line in the log; then it goes on."""

    def fail(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    store = MessageStore(file, reactor)
    with monkeypatch.context() as patch:
        patch.setattr(MessageFile, "append", fail)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.append(DROP, b"body")
    assert len(logged_failures.flush()) == 1
    assert await store.append(DROP, b"body") > 0
    await store.close()
