"""The conditions under which the daemon reports a problem, or that it is unhealthy."""

from collections.abc import Iterable, Mapping, Sequence

from qabel.core.backoff import Attempts
from qabel.core.errors import StoreError
from qabel.core.receiving.full_readings import OwnedDrop
from qabel.core.receiving.server_polls import ServerPolls
from qabel.core.status.durations import duration
from qabel.core.status.reading import full_reading_view, last_went_back
from qabel.core.status.store_watch import kind_of
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.views import ServerView
from qabel.drop.plain_http import is_unencrypted
from qabel.drop.url import DropURL

STALE_AFTER = 15 * 60.0
"""Seconds without one successful poll of a server after which the daemon is unhealthy."""

STUCK_AFTER = 6 * 3600.0
"""Seconds that a message may wait to be sent before the daemon is unhealthy."""


def receiving_trouble(
    servers: Mapping[str, ServerPolls],
    now: float,
    stale_after: float,
    heard_by_push: Mapping[DropURL, float],
) -> list[Trouble]:
    """Return the problems with polling the drop servers.

    Args:
        servers: the servers that are polled.
        now: the time in seconds on the clock of the schedule.
        stale_after: seconds without a successful poll of a drop after which its server is stale.
        heard_by_push: when the push connections of drops last proved that they work, which counts
            as much as a poll; in seconds on the same clock.

    """
    found = []
    for server, polls in servers.items():
        attempts, silent = polls.attempts, polls.silent(now, heard_by_push)
        if attempts.failures and attempts.is_not_admitted:
            found.append(_not_admitted(server, attempts))
        stale = [each for each in silent.values() if each > stale_after]
        if stale:
            is_said = attempts.last_error is None or attempts.is_not_admitted
            why = "." if is_said else f": {attempts.last_error}"
            which = server if len(stale) == len(silent) else f"{len(stale)} drops on {server}"
            if len(stale) == 1 < len(silent):
                which = f"1 drop on {server}"
            what = f"{which} could not be read for {duration(max(stale))}{why}"
            found.append(Trouble(TroubleKind.SERVER_STALE, what, server))
        elif attempts.failures and not attempts.is_not_admitted:
            what = f"Reading from {server} {_failed(attempts)}"
            found.append(Trouble(TroubleKind.SERVER_FAILING, what, server))
    return found


def sending_trouble(
    oldest_wait: float | None, unkept: int, failing: Iterable[tuple[str, Attempts]]
) -> list[Trouble]:
    """Return the problems with sending messages.

    Args:
        oldest_wait: seconds that the oldest unsent message has waited; None if there is none.
        unkept: how many delivery results could not be stored yet.
        failing: servers that could not be posted to, and the attempts.

    """
    found = []
    if oldest_wait is not None and oldest_wait > STUCK_AFTER:
        what = f"The oldest message has been waiting for {duration(oldest_wait)}."
        found.append(Trouble(TroubleKind.SENDING_STUCK, what))
    if unkept:
        results = "delivery result" if unkept == 1 else "delivery results"
        what = f"{unkept} {results} could not be stored: no disk space."
        found.append(Trouble(TroubleKind.RESULTS_UNKEPT, what))
    for server, attempts in failing:
        if attempts.is_not_admitted:
            found.append(_not_admitted(server, attempts))
        else:
            what = f"Sending to {server} {_failed(attempts)}"
            found.append(Trouble(TroubleKind.SENDING_FAILING, what, server))
    return found


def stranger_trouble(kept: int, quota: int, refused: int) -> list[Trouble]:
    """Return the problem that there is no room for strangers' messages, if there is none.

    Args:
        kept: bytes that are kept of strangers.
        quota: how many may be kept.
        refused: how many messages were not kept for lack of room.

    """
    if not refused:
        return []
    messages = "message was" if refused == 1 else "messages were"
    what = (
        f"{refused} {messages} not kept: strangers' messages take {_mebibytes(kept)} of "
        f"{_mebibytes(quota)} MiB."
    )
    return [Trouble(TroubleKind.STRANGERS_REFUSED, what)]


def disk_trouble(full_since: float | None, now: float) -> list[Trouble]:
    """Return the problem of a full disk, if it is full.

    Both times are in seconds on the clock of the schedule; ``full_since`` is None if it is not.
    """
    if full_since is None:
        return []
    what = (
        f"The disk has been full for {duration(now - full_since)}: nothing can be received or sent."
    )
    return [Trouble(TroubleKind.DISK_FULL, what)]


def store_trouble(error: Exception) -> Trouble:
    """Return the problem of a database that fails, or does not respond in time."""
    if not isinstance(error, StoreError):
        return Trouble(TroubleKind.STORE, "The database does not respond: the request timed out.")
    kind = kind_of(error)
    what = f"The database does not respond: {error}" if kind is TroubleKind.STORE else str(error)
    return Trouble(kind, what)


def server_view(
    polls: ServerPolls,
    drops: Sequence[OwnedDrop],
    wall_minus_clock: float,
    *,
    interval: float,
    push: str,
) -> ServerView:
    """Return the state of polling a server.

    Args:
        polls: the server.
        drops: those of its drops that were read since the start.
        wall_minus_clock: the seconds between the clock of the schedule and the time since the
            epoch.
        interval: mean seconds between two polls of a drop.
        push: the state of push, as the view has it.

    """
    attempts = polls.attempts

    def wall(time: float | None) -> int | None:
        return None if time is None else int((time + wall_minus_clock) * 1000)

    return ServerView(
        server=polls.server,
        drops=len(polls.drops),
        last_success=wall(attempts.last_success),
        last_failure=wall(attempts.last_failure),
        last_error=attempts.last_error,
        failures=attempts.failures,
        rounds=polls.rounds,
        failed_rounds=polls.failed_rounds,
        seconds=round(polls.seconds, 3),
        next_poll=wall(polls.next_poll),
        not_stored=polls.not_stored,
        interval=interval,
        push=push,
        unencrypted=is_unencrypted(polls.server),
        full_reading=full_reading_view(drops, wall_minus_clock),
        went_back=last_went_back(drops),
    )


def _not_admitted(server: str, attempts: Attempts) -> Trouble:
    """Return the problem of a server that wants another group token; its error says what to do."""
    return Trouble(TroubleKind.SERVER_GROUP_TOKEN, attempts.last_error or "", server)


def _failed(attempts: Attempts) -> str:
    times = "1 time" if attempts.failures == 1 else f"{attempts.failures} times in a row"
    return f"failed {times}: {attempts.last_error}"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f}".removesuffix(".0")
