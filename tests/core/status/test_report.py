"""What the daemon says of itself, where nothing may be glossed over."""

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail

from qabel.core.backoff import Attempts
from qabel.core.status import report
from qabel.core.status.health import STUCK_AFTER, disk_trouble, sending_trouble
from qabel.core.status.views import DiskView
from qabel.store.database.errors import StoreError
from qabel.store.outbox.repository import OutboxRepository
from qabel.testing.correspondents import Correspondents
from tests.conftest import LoggedFailures


@pytest_twisted.ensureDeferred
async def test_a_store_that_hangs_is_no_good_health(
    world: Correspondents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Health and status answer all the same, and tell that the store does not."""
    core = await world.core("alice")
    monkeypatch.setattr(report, "STORE_PATIENCE", 0.01)
    monkeypatch.setattr(OutboxRepository, "counts", lambda _: Deferred())
    assert await core.health() == ["The database does not respond: the request timed out."]
    status = await core.status()
    assert not status.healthy
    assert status.outbox is None
    monkeypatch.setattr(OutboxRepository, "counts", lambda _: fail(StoreError("It is broken.")))
    assert await core.health() == ["The database does not respond: It is broken."]


@pytest_twisted.ensureDeferred
async def test_the_disk_is_part_of_status(
    world: Correspondents, logged_failures: LoggedFailures
) -> None:
    """Since when the disk is full stands in the status, in milliseconds since the epoch."""
    core = await world.core("alice")
    assert (await core.status()).disk == DiskView(full=False, full_since=None)
    core._parts.disk_space.missing()
    status = await core.status()
    assert status.disk.full
    assert status.disk.full_since > 1.7e12
    assert not status.healthy
    assert len(logged_failures.flush()) == 1


def test_what_waits_too_long_is_unhealthy() -> None:
    """A stuck message and a full disk are for monitoring to know; a failing server is not."""
    attempts = Attempts(failures=3, last_error="It said 500.")
    [failing] = sending_trouble(STUCK_AFTER, 0, [("https://x.example", attempts)])
    assert failing.what == "Sending to https://x.example failed 3 times in a row: It said 500."
    assert not failing.unhealthy
    [stuck] = sending_trouble(STUCK_AFTER + 1, 0, [])
    assert stuck.unhealthy
    [full] = disk_trouble(10.0, 15.5)
    assert full.unhealthy
    assert "full for 5 s:" in full.what
    assert disk_trouble(None, 15.5) == []
