"""What the daemon says of itself, as clients see it."""

from typing import Literal

from qabel.contract.types import CursorText, Duration, Milliseconds, View


class ServerView(View):
    """How a drop server is read."""

    server: str
    drops: int
    last_success: Milliseconds | None
    last_failure: Milliseconds | None
    last_error: str | None
    failures: int
    rounds: int
    failed_rounds: int
    seconds: Duration
    next_poll: Milliseconds | None


class PushView(View):
    """How many drops are listened to."""

    listening: int


class ReceivedView(View):
    """What was found in drops since the start."""

    received: int
    passed_over: int
    seen_before: int
    rubbish: int
    spoofed: int


class PostedView(View):
    """Attempts to post a message since the start, and how long they took together."""

    taken: int
    refused: int
    failed: int
    seconds: Duration


class DiskView(View):
    """Whether the disk is full."""

    full: bool
    full_since: Milliseconds | None


class InboxCountsView(View):
    """How many messages there are, and the newest cursor."""

    messages: int
    latest: CursorText


class OutboxCountsView(View):
    """How many deliveries are in each state; how long the oldest waits that is not sent."""

    queued: int
    sent: int
    failed: int
    oldest_waiting: Duration | None


class StatusView(View):
    """How the daemon is, with no drop id and no key in it."""

    status: Literal["running"]
    version: str
    uptime: Duration
    healthy: bool
    troubles: list[str]
    drop_servers: list[ServerView]
    push: PushView
    received: ReceivedView
    posted: PostedView
    disk: DiskView
    inbox: InboxCountsView
    outbox: OutboxCountsView | None
    backup: str


class HealthView(View):
    """That all is well, or that at least the process answers."""

    status: Literal["healthy", "alive"]


class BackupView(View):
    """A copy of the database that was written: its file, and its size in bytes."""

    path: str
    size: int
