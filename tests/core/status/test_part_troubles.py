"""The trouble that parts of the daemon have: when it begins, what it says, and when it is over."""

import pytest

from qabel.core.backoff import Attempts
from qabel.core.journal.webhooks import WebhookState
from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.receiving.push_watch import ServerPush
from qabel.core.receiving.server_polls import ServerPolls
from qabel.core.status.part_troubles import (
    POLLER_LATE_AFTER,
    WEBHOOK_FAILURES,
    WEBHOOK_SILENT_AFTER,
    WORKER_STUCK_AFTER,
    encryption_trouble,
    failure_trouble,
    isolation_trouble,
    not_stored_trouble,
    poller_trouble,
    push_trouble,
    webhook_trouble,
    worker_trouble,
)
from qabel.core.status.troubles import TroubleKind
from qabel.drop.url import DropURL

SERVER = "https://drop.example"


def polls(attempts: Attempts, not_stored: str | None = None) -> ServerPolls:
    """Return a server with a drop that was read as the attempts say."""
    url = DropURL.parse(f"{SERVER}/{1:043}")
    key = KeyOnServer(b"me", SERVER)
    return ServerPolls(SERVER, {url: PolledDrop(url, key, 0.0, attempts, not_stored=not_stored)})


DOWN = ServerPush(is_listening=False, is_offered=True, problem="It was closed.")


def webhook(failures: int = 0, waiting: float | None = None) -> WebhookState:
    """Return the state of a webhook whose URL has secrets."""
    url = "https://user:secret@hook.example:8443/secret?key=secret"
    return WebhookState(7, url, failures, "Status 500.", waiting)


def test_a_webhook_that_fails() -> None:
    """A webhook that failed a few times in a row is named by its host, not by its URL."""
    assert webhook_trouble([webhook(WEBHOOK_FAILURES - 1)], {}) == []
    [trouble] = webhook_trouble([webhook(WEBHOOK_FAILURES)], {})
    assert trouble.kind is TroubleKind.WEBHOOK_FAILING
    assert "webhook 7 (hook.example:8443)" in trouble.what
    assert "Status 500." in trouble.what
    assert "secret" not in trouble.what
    assert not trouble.unhealthy


def test_a_webhook_that_hangs() -> None:
    """A receiver that takes the request and says nothing is in trouble before it times out."""
    assert webhook_trouble([webhook(waiting=WEBHOOK_SILENT_AFTER)], {}) == []
    [trouble] = webhook_trouble([webhook(waiting=WEBHOOK_SILENT_AFTER + 2)], {})
    assert "has not responded for 12 s" in trouble.what


def test_events_that_were_given_up() -> None:
    """What a webhook never got stays a trouble until it is taken from the list."""
    [trouble] = webhook_trouble([webhook()], {7: 3, 8: 1})
    assert trouble.kind is TroubleKind.WEBHOOK_UNDELIVERED
    assert trouble.what.startswith("3 events could not be delivered")


@pytest.mark.parametrize(
    ("push", "attempts", "expected"),
    [
        (DOWN, Attempts(), True),
        (DOWN, Attempts(failures=1), False),
        (DOWN, Attempts(last_failure=999.0), False),
        (DOWN, Attempts(last_failure=600.0), True),
        (ServerPush(is_listening=False, is_offered=False, problem=None), Attempts(), False),
        (ServerPush(is_listening=True, is_offered=True, problem=None), Attempts(), False),
    ],
)
def test_push(push: ServerPush, attempts: Attempts, expected: bool) -> None:
    """Push that fails is trouble if polling has worked for a while; a server without it is none."""
    found = push_trouble({SERVER: push}, {SERVER: polls(attempts)}, 5.0, 1000.0)
    assert bool(found) == expected
    if found:
        assert found[0].what.endswith("It was closed. It is polled every 5 s.")
    assert push_trouble({SERVER: push}, {}, 5.0, 1000.0) == []


def test_servers_whose_traffic_can_be_seen() -> None:
    """Plain http is trouble, but for this machine."""
    found = encryption_trouble(["http://drop.example", SERVER, "http://127.0.0.1:1"])
    assert [each.subject for each in found] == ["http://drop.example"]


def test_no_isolation_is_said() -> None:
    """Who gives up isolation is told what servers learn by that."""
    assert isolation_trouble(is_linkable=False) == []
    [found] = isolation_trouble(is_linkable=True)
    assert "which identities belong together" in found.what
    assert "--linkable" in found.row.meaning


def test_what_could_not_be_stored() -> None:
    """The error of the database is told with the server, and is a matter of health."""
    full = polls(Attempts(), not_stored="The disk is full.")
    [trouble] = not_stored_trouble({SERVER: full, "other": polls(Attempts())})
    assert trouble.unhealthy
    assert "The disk is full." in trouble.what


def test_a_poller_that_stands_still() -> None:
    """The poller may be a little late; one that is not to run is never late."""
    assert poller_trouble(POLLER_LATE_AFTER, runs=True) == []
    assert poller_trouble(1000, runs=False) == []
    [trouble] = poller_trouble(90, runs=True)
    assert "late by 90 s" in trouble.what
    assert trouble.unhealthy


def test_a_worker_that_hangs() -> None:
    """A task that takes much longer than any does is a matter of health."""
    assert worker_trouble(WORKER_STUCK_AFTER) == []
    [trouble] = worker_trouble(WORKER_STUCK_AFTER + 1)
    assert "31 s" in trouble.what
    assert trouble.unhealthy


@pytest.mark.parametrize(
    "kind",
    [TroubleKind.ERASING_FAILING, TroubleKind.HOUSEKEEPING_FAILING, TroubleKind.LOG_FILE],
)
def test_parts_that_say_why_they_fail(kind: TroubleKind) -> None:
    """A part that fails is quoted; one that works makes no trouble."""
    assert failure_trouble(kind, None) == []
    [trouble] = failure_trouble(kind, "The disk is odd.")
    assert trouble.what.endswith(": The disk is odd.")
    assert not trouble.unhealthy
