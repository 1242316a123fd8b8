"""Health: what counts as trouble, and which trouble is for monitoring to know."""

from collections.abc import Mapping

import pytest

from qabel.core.backoff import Attempts
from qabel.core.receiving.server_rounds import ServerRounds
from qabel.core.status.health import (
    STUCK_AFTER,
    disk_trouble,
    receiving_trouble,
    sending_trouble,
    server_view,
    store_trouble,
    stranger_trouble,
)
from qabel.core.status.troubles import Trouble
from qabel.store.database.errors import StoreError
from tests.core.items import drop

SERVER = "https://drop.example"


def rounds(**attempts: float | str | None) -> ServerRounds:
    """Return a server of two drops that was read as the attempts say."""
    return ServerRounds(SERVER, (drop(1), drop(2)), Attempts(**attempts))


def receiving(
    *servers: ServerRounds,
    started: float = 0.0,
    now: float,
    heard: Mapping[str, float] | None = None,
) -> list[Trouble]:
    """Return the trouble with some servers, which are stale after a minute."""
    named = {f"{SERVER}/{number}": each for number, each in enumerate(servers)}
    return receiving_trouble(named, started, now, 60.0, heard or {})


def test_all_is_well() -> None:
    """Without failures, silence and waiting messages there is no trouble."""
    assert receiving(rounds(last_success=100.0), now=130.0) == []
    assert receiving(now=1e6) == []
    assert sending_trouble(None, 0, []) == []
    assert sending_trouble(10.0, 0, []) == []
    assert disk_trouble(None, 1e6) == []
    assert stranger_trouble(2**20, 2**20, 0) == []


def test_no_room_for_strangers() -> None:
    """It is said how much there is, of how much, and what to do; nobody is alerted."""
    [found] = stranger_trouble(64 * 2**20 - 100_000, 64 * 2**20, 1)
    assert found.what.startswith("1 message was not kept: strangers' messages take 63.9 of 64 MiB.")
    assert not found.unhealthy


def test_a_server_that_failed_lately_is_no_bad_health() -> None:
    """Some failures are told with the last error; monitoring need not know."""
    [trouble] = receiving(rounds(failures=3, last_error="No route.", last_success=90.0), now=100.0)
    assert not trouble.unhealthy
    assert "No route." in trouble.what


@pytest.mark.parametrize(("now", "unhealthy"), [(160.0, []), (160.5, [True])])
def test_a_silent_server_is_bad_health(now: float, unhealthy: list[bool]) -> None:
    """A server that was not read for longer than the limit makes the daemon unhealthy."""
    troubles = receiving(rounds(last_success=100.0), now=now)
    assert [each.unhealthy for each in troubles] == unhealthy


def test_a_server_that_was_never_read() -> None:
    """For a server that was never read the time counts from the start."""
    assert receiving(rounds(), started=100.0, now=150.0) == []
    [trouble] = receiving(rounds(last_error="No route.", failures=5), started=100.0, now=190.0)
    assert trouble.unhealthy
    assert "90" in trouble.what
    assert "No route." in trouble.what


def test_the_server_in_trouble_is_named() -> None:
    """Of several servers only the one that could not be read is told of, by its name."""
    well, ill = rounds(last_success=100.0), rounds(last_success=1.0)
    well.server = "https://other.example"
    [trouble] = receiving(well, ill, now=100.0)
    assert SERVER in trouble.what


def test_nobody_without_a_token_learns_names() -> None:
    """What health reports to anybody names no server, no address and no file."""
    error = "Connecting to 203.0.113.5:443 failed: refused."
    full = StoreError("/home/me/qabel.db: no space left on the device.")
    troubles = [
        *receiving(rounds(last_error=error, failures=5, last_success=1.0), now=1000.0),
        *sending_trouble(STUCK_AFTER + 1, 1, [(SERVER, Attempts(failures=1, last_error=error))]),
        *disk_trouble(1.0, 2.0),
        store_trouble(full),
    ]
    assert sum(each.unhealthy for each in troubles) == 4
    for each in troubles:
        for name in ("drop.example", "203.0.113.5", "/home/me"):
            assert name not in each.row.unhealthy_text
    assert "could not be read for too long" in troubles[0].row.unhealthy_text


def test_a_message_that_is_stuck_is_bad_health() -> None:
    """A message may wait for some hours; one that waits longer is for monitoring to know."""
    assert sending_trouble(STUCK_AFTER, 0, []) == []
    [trouble] = sending_trouble(STUCK_AFTER + 1, 0, [])
    assert trouble.unhealthy


def test_trouble_with_sending_that_passes() -> None:
    """Outcomes that wait for the disk, and failing servers, are told and no bad health."""
    attempts = Attempts(failures=3, last_error="It said 500.")
    unkept, failing = sending_trouble(None, 7, [(SERVER, attempts)])
    assert not unkept.unhealthy
    assert "7" in unkept.what
    assert not failing.unhealthy
    assert SERVER in failing.what
    assert "It said 500." in failing.what


def test_a_full_disk_is_bad_health() -> None:
    """Since when the disk is full is told in seconds."""
    [trouble] = disk_trouble(10.0, 33.5)
    assert trouble.unhealthy
    assert "23" in trouble.what


def test_a_store_out_of_order_is_bad_health() -> None:
    """What the store says of itself is told; of another error, that it takes too long."""
    broken, slow = store_trouble(StoreError("It is broken.")), store_trouble(TimeoutError("hidden"))
    assert broken.unhealthy
    assert slow.unhealthy
    assert "It is broken." in broken.what
    assert "hidden" not in slow.what


def test_a_push_connection_counts_as_a_poll() -> None:
    """A server that answered a ping lately is not stale, though polls of it failed since long."""
    failing = rounds(failures=9, last_error="No.", last_success=0.0)
    [stale] = receiving(failing, now=100.0, heard={SERVER: 39.0})
    assert stale.unhealthy
    [trouble] = receiving(failing, now=100.0, heard={SERVER: 40.0, "https://other": 1.0})
    assert not trouble.unhealthy


def test_how_a_server_is_read() -> None:
    """The view of a server has its times of day in milliseconds, and counts since the start."""
    read = rounds(failures=2, last_error="No route.", last_success=10.0, last_failure=20.5)
    read.rounds, read.failed_rounds, read.seconds = 7, 3, 1.23456
    view = server_view(read, (), 1_800_000_000.0, due=25.0, interval=5.0, push="listening")
    assert (view.interval, view.push, view.not_stored, view.unencrypted) == (
        5.0,
        "listening",
        None,
        False,
    )
    assert (view.server, view.drops, view.failures) == (SERVER, 2, 2)
    assert (view.rounds, view.failed_rounds, view.seconds) == (7, 3, 1.235)
    assert view.last_error == "No route."
    assert (view.last_success, view.last_failure) == (1_800_000_010_000, 1_800_000_020_500)
    assert view.next_poll == 1_800_000_025_000


def test_a_server_that_is_left_alone() -> None:
    """The next reading of a failing server is when it may be asked, not with the next round."""
    failing = rounds(failures=1, not_before=99.0)
    view = server_view(failing, (), 1_800_000_000.0, due=25.0, interval=5.0, push="off")
    assert view.next_poll == 1_800_000_099_000
    assert (view.last_success, view.last_failure) == (None, None)
