"""Health: what counts as trouble, and which trouble is for monitoring to know."""

from collections.abc import Mapping

import pytest

from qabel.core.backoff import Attempts
from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.receiving.server_polls import ServerPolls
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
from qabel.drop.url import DropURL
from qabel.store.database.errors import StoreError
from tests.core.items import drop

SERVER = "https://drop.example"


def polls(
    server: str = SERVER, *, since: float = 0.0, **attempts: float | str | None
) -> ServerPolls:
    """Return a server of two drops of which the first was read as the attempts say."""
    drops = [
        PolledDrop(drop(number), KeyOnServer(b"me", server), since, due=25.0) for number in (1, 2)
    ]
    drops[0].attempts = Attempts(**attempts)
    drops[1].attempts = Attempts(last_success=attempts.get("last_success"))
    return ServerPolls(server, {each.url: each for each in drops})


def receiving(
    *servers: ServerPolls, now: float, heard: Mapping[DropURL, float] | None = None
) -> list[Trouble]:
    """Return the trouble with some servers, which are stale after a minute."""
    return receiving_trouble({each.server: each for each in servers}, now, 60.0, heard or {})


def test_all_is_well() -> None:
    """Without failures, silence and waiting messages there is no trouble."""
    assert receiving(polls(last_success=100.0), now=130.0) == []
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
    [trouble] = receiving(polls(failures=3, last_error="No route.", last_success=90.0), now=100.0)
    assert not trouble.unhealthy
    assert "No route." in trouble.what


@pytest.mark.parametrize(("now", "unhealthy"), [(160.0, []), (160.5, [True])])
def test_a_silent_server_is_bad_health(now: float, unhealthy: list[bool]) -> None:
    """A server that was not read for longer than the limit makes the daemon unhealthy."""
    troubles = receiving(polls(last_success=100.0), now=now)
    assert [each.unhealthy for each in troubles] == unhealthy


def test_a_server_that_was_never_read() -> None:
    """For a server that was never read the time counts from the start."""
    assert receiving(polls(since=100.0), now=150.0) == []
    [trouble] = receiving(polls(since=100.0, last_error="No route.", failures=5), now=190.0)
    assert trouble.unhealthy
    assert "90" in trouble.what
    assert "No route." in trouble.what


def test_the_server_in_trouble_is_named() -> None:
    """Of several servers only the one that could not be read is told of, by its name."""
    well, ill = polls("https://other.example", last_success=100.0), polls(last_success=1.0)
    [trouble] = receiving(well, ill, now=100.0)
    assert SERVER in trouble.what


def test_nobody_without_a_token_learns_names() -> None:
    """What health reports to anybody names no server, no address and no file."""
    error = "Connecting to 203.0.113.5:443 failed: refused."
    full = StoreError("/home/me/qabel.db: no space left on the device.")
    troubles = [
        *receiving(polls(last_error=error, failures=5, last_success=1.0), now=1000.0),
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


def test_a_closed_group() -> None:
    """That a server wants its token is no failure of it; for long, nothing can be read there."""
    said = "It asks for its token: qabel server group-token https://drop.example"
    closed = {"failures": 2, "last_error": said, "is_not_admitted": True}
    [lately] = receiving(polls(**closed, last_success=90.0), now=100.0)
    assert (lately.kind, lately.what, lately.unhealthy) == ("server_group_token", said, False)
    why, stale = receiving(polls(**closed, last_success=10.0), now=100.0)
    assert (why, stale.unhealthy) == (lately, True)
    assert stale.what == f"{SERVER} could not be read for 90 s."
    attempts = Attempts(failures=1, last_error=said, is_not_admitted=True)
    assert sending_trouble(None, 0, [(SERVER, attempts)]) == [lately]


def test_a_store_out_of_order_is_bad_health() -> None:
    """What the store says of itself is told; of another error, that it takes too long."""
    broken, slow = store_trouble(StoreError("It is broken.")), store_trouble(TimeoutError("hidden"))
    assert broken.unhealthy
    assert slow.unhealthy
    assert "It is broken." in broken.what
    assert "hidden" not in slow.what


def test_a_push_connection_counts_as_a_poll() -> None:
    """A drop whose push connection works is not silent; each drop counts for itself."""
    silent = polls(last_success=1.0)
    heard = {drop(1): 950.0, drop(2): 960.0}
    assert receiving(silent, now=1000.0, heard=heard) == []
    [trouble] = receiving(silent, now=1000.0, heard={drop(1): 950.0})
    assert trouble.unhealthy
    assert trouble.what == f"1 drop on {SERVER} could not be read for 16 min."
    [trouble] = receiving(silent, now=1000.0)
    assert trouble.what == f"{SERVER} could not be read for 16 min."


def test_how_a_server_is_read() -> None:
    """The view of a server has its times of day in milliseconds, and counts since the start."""
    read = polls(failures=2, last_error="No route.", last_success=10.0, last_failure=20.5)
    read.rounds, read.failed_rounds, read.seconds = 7, 3, 1.23456
    view = server_view(read, (), 1_800_000_000.0, interval=5.0, push="listening")
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
