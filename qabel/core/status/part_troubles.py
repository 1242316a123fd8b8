"""The trouble that the daemon's parts have: polling, push, webhooks, workers, erasing."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from qabel.core.journal.webhooks import WebhookState
from qabel.core.receiving.push_watch import ServerPush
from qabel.core.receiving.server_polls import ServerPolls
from qabel.core.status.durations import duration, interval_text
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.drop.plain_http import is_unencrypted

WORKER_STUCK_AFTER = 30.0
"""Seconds that a task of a worker may take: it takes milliseconds, or a second on slow machines."""

POLLER_LATE_AFTER = 15.0
"""Seconds that the poll of a drop may be late."""

PUSH_RETURNS_WITHIN = 300.0
"""Seconds after a failed poll in which push connections are lost with the server, and come back."""

WEBHOOK_FAILURES = 3
"""Failures in a row after which a webhook is in trouble."""

WEBHOOK_SILENT_AFTER = 10.0
"""Seconds without a response after which a webhook is in trouble."""


def webhook_trouble(
    webhooks: Iterable[WebhookState], undelivered: Mapping[int, int]
) -> list[Trouble]:
    """Return the problems with webhooks.

    Args:
        webhooks: all webhooks.
        undelivered: how many events were given up, by the id of the webhook.

    """
    found = []
    for each in webhooks:
        subject, name = str(each.id), _name(each)
        if each.failures >= WEBHOOK_FAILURES:
            what = f"Delivery to {name} failed {each.failures} times in a row: {each.last_error}"
            found.append(Trouble(TroubleKind.WEBHOOK_FAILING, what, subject))
        elif each.waiting is not None and each.waiting > WEBHOOK_SILENT_AFTER:
            what = f"The receiver of {name} has not responded for {duration(each.waiting)}."
            found.append(Trouble(TroubleKind.WEBHOOK_FAILING, what, subject))
        given_up = undelivered.get(each.id, 0)
        if given_up:
            events = "1 event" if given_up == 1 else f"{given_up} events"
            what = f"{events} could not be delivered to {name}."
            found.append(Trouble(TroubleKind.WEBHOOK_UNDELIVERED, what, subject))
    return found


def push_trouble(
    push: Mapping[str, ServerPush],
    servers: Mapping[str, ServerPolls],
    interval: float,
    now: float,
) -> list[Trouble]:
    """Return the problems with push connections, to servers that can be polled.

    A server that could not be polled lately gets time for its push connections to come back.

    Args:
        push: the push connections, by server.
        servers: the servers that are polled.
        interval: mean seconds between two polls.
        now: the time in seconds on the clock of the schedule.

    """
    found = []
    for server, state in push.items():
        rounds = servers.get(server)
        if state.problem is None or rounds is None or _failed_lately(rounds, now):
            continue
        what = (
            f"The push connection to {server} fails: {state.problem} "
            f"It is polled every {interval_text(interval)}."
        )
        found.append(Trouble(TroubleKind.PUSH_FAILING, what, server))
    return found


def _failed_lately(polls: ServerPolls, now: float) -> bool:
    attempts = polls.attempts
    last = attempts.last_failure
    return bool(attempts.failures) or (last is not None and now - last < PUSH_RETURNS_WITHIN)


def encryption_trouble(servers: Iterable[str]) -> list[Trouble]:
    """Return the servers whose traffic others can see."""
    return [
        Trouble(
            TroubleKind.SERVER_UNENCRYPTED,
            f"The connection to {each} is not encrypted: others can see which drops you read.",
            each,
        )
        for each in servers
        if is_unencrypted(each)
    ]


def isolation_trouble(*, is_linkable: bool) -> list[Trouble]:
    """Return the problem that identities are not kept apart, if they are not."""
    what = (
        "All identities share connections (--linkable): drop servers can tell which identities "
        "belong together, and whose message is posted."
    )
    return [Trouble(TroubleKind.LINKABLE, what)] if is_linkable else []


def not_stored_trouble(servers: Mapping[str, ServerPolls]) -> list[Trouble]:
    """Return the servers whose messages could not be stored."""
    return [
        Trouble(
            TroubleKind.NOT_STORED,
            f"What {each.server} has could not be stored: {each.not_stored}",
            each.server,
        )
        for each in servers.values()
        if each.not_stored is not None
    ]


def poller_trouble(late: float, *, runs: bool) -> list[Trouble]:
    """Return the problem that the drops are not polled in time, if they are not.

    ``late`` is for how many seconds a poll has been due; ``runs`` is whether the poller is to run.
    """
    if not runs or late <= POLLER_LATE_AFTER:
        return []
    what = f"The next poll of the drop servers is late by {duration(late)}."
    return [Trouble(TroubleKind.POLLER_STOPPED, what)]


def worker_trouble(longest: float) -> list[Trouble]:
    """Return the problem of a worker that has been busy for too long, in seconds."""
    if longest <= WORKER_STUCK_AFTER:
        return []
    what = f"A worker has been busy with one task for {duration(longest)}."
    return [Trouble(TroubleKind.WORKER_STUCK, what)]


def failure_trouble(kind: TroubleKind, failure: str | None) -> list[Trouble]:
    """Return the problem of a part that says why its last attempt failed, or None."""
    if failure is None:
        return []
    start = {
        TroubleKind.ERASING_FAILING: "Deleted data could not be erased from the disk yet",
        TroubleKind.HOUSEKEEPING_FAILING: "Old data could not be deleted",
        TroubleKind.LOG_FILE: "The log file cannot be written",
    }[kind]
    return [Trouble(kind, f"{start}: {failure.rstrip('.')}.")]


def _name(webhook: WebhookState) -> str:
    """Return what to call a webhook: the rest of its URL may be secret."""
    parts = urlsplit(webhook.url)
    port = "" if parts.port is None else f":{parts.port}"
    return f"webhook {webhook.id} ({parts.hostname}{port})"
