"""The file of a server, opened each time that it starts."""

from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

from qabel.dropserver.engine import FileEngine
from qabel.dropserver.message_values import Post, Retention
from qabel.host.push.push_hub import PushHub


@pytest_twisted.ensureDeferred
async def test_what_was_stored_is_there_again(tmp_path: Path) -> None:
    """Opening it again finds what was stored before; it says what it was told to keep."""
    engine = FileEngine(tmp_path / "drops.sqlite", Retention(drop_quota=7), reactor)
    assert engine.retention.drop_quota == 7
    store, feed = engine.open(PushHub())
    assert feed.is_ready
    await store.append(Post("a" * 43, b"body"))
    await store.close()
    store, _ = engine.open(PushHub())
    found = await store.open("a" * 43, None, 1)
    await store.close()
    assert found is not None
    assert [body for _, body in found[1]] == [b"body"]
