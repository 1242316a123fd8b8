"""How the daemon is, as far as it can honestly tell."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from qabel.core.backoff import Attempts
from qabel.core.errors import StoreError
from qabel.core.receiving.poller import ServerRounds
from qabel.core.status.views import ServerView

STALE_AFTER = 15 * 60.0
"""Seconds without one successful reading of a server after which receiving counts as stale."""

STUCK_AFTER = 6 * 3600.0
"""Seconds that a message may wait to be sent before that counts as trouble."""


@frozen
class Trouble:
    """Something that is wrong, with what the user can do about it where that is known."""

    what: str
    unhealthy: bool
    """Whether it makes the daemon as a whole unfit: monitoring is told."""


def receiving_trouble(
    servers: Mapping[str, ServerRounds], started: float, now: float, stale_after: float
) -> list[Trouble]:
    """Tell of the servers from which nothing was received for too long.

    ``started`` and ``now`` are on the steady clock of the schedule, in seconds.
    """
    found = []
    for number, rounds in enumerate(servers.values(), start=1):
        attempts = rounds.attempts
        heard = attempts.last_success if attempts.last_success is not None else started
        silent = now - heard
        if silent > stale_after:
            why = f": {attempts.last_error}" if attempts.last_error else ""
            found.append(
                Trouble(
                    f"Drop server {number} of {len(servers)} could not be read for "
                    f"{int(silent)} seconds{why}",
                    unhealthy=True,
                )
            )
        elif attempts.failures:
            found.append(
                Trouble(
                    f"Drop server {number} of {len(servers)} failed {attempts.failures} times in "
                    f"a row: {attempts.last_error}",
                    unhealthy=False,
                )
            )
    return found


def sending_trouble(
    oldest_wait: float | None, unkept: int, failing: Iterable[tuple[str, Attempts]]
) -> list[Trouble]:
    """Tell of messages that wait.

    Args:
        oldest_wait: for how long the one does that waits longest, in seconds.
        unkept: outcomes that could not be kept yet.
        failing: servers that could not be posted to, with what became of it.

    """
    found = []
    if oldest_wait is not None and oldest_wait > STUCK_AFTER:
        found.append(
            Trouble(
                f"A message waits to be sent for {int(oldest_wait)} seconds; see /outbox.",
                unhealthy=True,
            )
        )
    if unkept:
        found.append(Trouble(f"{unkept} outcomes of sends wait for room on the disk.", False))
    for server, attempts in failing:
        found.append(
            Trouble(
                f"Sending to {server} failed {attempts.failures} times in a row: "
                f"{attempts.last_error}",
                unhealthy=False,
            )
        )
    return found


def disk_trouble(full_since: float | None, now: float) -> list[Trouble]:
    """Tell of a full disk; times are on the steady clock, in seconds."""
    if full_since is None:
        return []
    return [
        Trouble(
            f"The disk is full for {int(now - full_since)} seconds: nothing can be received or "
            "sent. Make room; the daemon then goes on by itself.",
            unhealthy=True,
        )
    ]


def store_trouble(error: Exception) -> Trouble:
    """Tell of a store that does not do its part, or not in time."""
    why = str(error) if isinstance(error, StoreError) else "it takes too long."
    return Trouble(f"The store does not answer: {why}", unhealthy=True)


def server_view(rounds: ServerRounds, wall_minus_clock: float, due: float) -> ServerView:
    """Return how a drop server is read, with times in milliseconds since the epoch."""
    attempts = rounds.attempts

    def wall(time: float | None) -> int | None:
        return None if time is None else int((time + wall_minus_clock) * 1000)

    return ServerView(
        server=rounds.server,
        drops=len(rounds.drops),
        last_success=wall(attempts.last_success),
        last_failure=wall(attempts.last_failure),
        last_error=attempts.last_error,
        failures=attempts.failures,
        rounds=rounds.rounds,
        failed_rounds=rounds.failed_rounds,
        seconds=round(rounds.seconds, 3),
        next_poll=wall(max(due, attempts.not_before)),
    )
