"""The state of the daemon, as clients see it."""

from typing import Literal

from qabel.contract.types import CursorText, Duration, Milliseconds, View


class FullReadingView(View):
    """The full readings of the drops of a server, which find what a cursor skipped."""

    last: Milliseconds | None
    """When the drop was read in full that was not for the longest time; null if one never was."""
    due: Milliseconds | None
    """When the next one is due."""
    failed: str | None
    """Why the last one of some drop failed; null if none did."""


class ServerView(View):
    """The state of polling one drop server."""

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
    not_stored: str | None
    """Why what it has could not be stored; this is no failure of the server."""
    interval: Duration
    push: str
    """``listening``, ``connecting``, ``not offered``, ``off``, or the error."""
    unencrypted: bool
    """Whether others on the way can see which drops are read."""
    full_reading: FullReadingView
    went_back: Milliseconds | None
    """When the server was last seen to have fewer messages than before."""


class PushView(View):
    """How many drops are watched by push."""

    listening: int


class ReceivedView(View):
    """How many messages were found in drops since the start, by kind."""

    received: int
    passed_over: int
    seen_before: int
    rubbish: int
    spoofed: int
    refused: int
    blocked: int


class PostedView(View):
    """How many delivery attempts were made since the start, and their total duration."""

    taken: int
    refused: int
    failed: int
    seconds: Duration


class DiskView(View):
    """Whether the disk is full."""

    full: bool
    full_since: Milliseconds | None


class InboxCountsView(View):
    """How many messages are stored, and the newest cursor."""

    messages: int
    latest: CursorText


class StrangersView(View):
    """How much is kept of strangers, of how much, and how many messages were not kept."""

    kept_bytes: int
    quota_bytes: int
    refused: int


class OutboxCountsView(View):
    """How many deliveries are in each state, and how long the oldest unsent one has waited."""

    queued: int
    sent: int
    failed: int
    oldest_waiting: Duration | None


class AcknowledgementsView(View):
    """How many acknowledgements wait to be sent, and how many were given up."""

    waiting: int
    given_up: int


class TroubleView(View):
    """Something that is wrong, what the user can do about it, and since when it is so."""

    kind: str
    what: str
    advice: str
    unhealthy: bool
    since: Milliseconds


class ProxyView(View):
    """The proxy that all traffic to servers goes through."""

    address: str
    """Host and port."""
    source: Literal["option", "settings"]
    """Where it was set: ``--proxy``, which wins, or ``privacy.proxy``."""
    isolating: bool | None
    """Whether it can keep connections of different identities apart; null if not known yet."""
    error: str | None
    """Why it did not do its part the last time; null if it did."""
    direct: list[str]
    """The servers on this machine, which are connected to directly."""


class DaemonStatusView(View):
    """The state of the daemon, without drop ids and keys."""

    status: Literal["running"]
    version: str
    uptime: Duration
    healthy: bool
    troubles: list[str]
    trouble_details: list[TroubleView]
    drop_servers: list[ServerView]
    push: PushView
    proxy: ProxyView | None
    received: ReceivedView
    posted: PostedView
    disk: DiskView
    inbox: InboxCountsView
    strangers: StrangersView | None
    outbox: OutboxCountsView | None
    acknowledgements: AcknowledgementsView | None
    backup: str
    stalls: int
    """How often something has held up the daemon for a second or more, since the start."""


class HealthView(View):
    """The daemon is healthy, or at least its process responds."""

    status: Literal["healthy", "alive"]


class BackupView(View):
    """A backup that was written: its file, its size in bytes, and where its key is.

    ``key`` says it in words; ``key_file`` is the file that has the key, or has it sealed under a
    passphrase, and null if it is in no file.
    """

    path: str
    size: int
    key: str
    key_file: str | None
