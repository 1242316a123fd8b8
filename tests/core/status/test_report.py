"""What the daemon says of itself, where nothing may be glossed over."""

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail

from qabel.core.status import store_probe
from qabel.core.status.views import DiskView
from qabel.store.database.errors import StoreError, StoreFull
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository
from qabel.testing.correspondents import Correspondents


@pytest_twisted.ensureDeferred
async def test_a_store_that_hangs_is_no_good_health(
    world: Correspondents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Health and status answer all the same, and tell that the store does not."""
    core = await world.core("alice")
    hanging: Deferred[OutboxCounts] = Deferred()
    with monkeypatch.context() as hang:
        hang.setattr(store_probe, "PATIENCE", 0.01)
        hang.setattr(OutboxRepository, "counts", lambda _: hanging)
        assert len(await core.health()) == 1
        status = await core.status()
    assert not status.healthy
    assert status.outbox is None
    hanging.callback(OutboxCounts(queued=0, sent=0, failed=0, oldest_queued=None))
    assert await core.health() == []
    monkeypatch.setattr(OutboxRepository, "counts", lambda _: fail(StoreError("It is broken.")))
    [reason] = await core.health()
    assert "It is broken." not in reason
    assert any("It is broken." in each for each in (await core.status()).troubles)


@pytest_twisted.ensureDeferred
async def test_the_disk_is_part_of_status(world: Correspondents) -> None:
    """Since when the disk is full stands in the status, in milliseconds since the epoch."""
    core = await world.core("alice")
    assert (await core.status()).disk == DiskView(full=False, full_since=None)
    core._parts.store_watch.failed(StoreFull("full"))
    status = await core.status()
    assert status.disk.full
    assert status.disk.full_since > 1.7e12
    assert not status.healthy


@pytest_twisted.ensureDeferred
async def test_status_is_honest(world) -> None:
    """The status tells of a failing server and of waiting messages."""
    alice, _ = await world.friends()
    world.drop_servers.is_away = True
    await world.say(alice, "waits")
    await alice.poller.poll_now()
    status = await alice.status()
    assert status.outbox.queued == 1
    assert status.drop_servers[0].failures == 1
    assert status.troubles
    assert await alice.health() == []
