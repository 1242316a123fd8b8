"""The table of troubles: all that can be wrong with the daemon, and what the user can do about it.

``/health``, ``/status``, ``/metrics`` and ``qabel doctor`` report what is in this table: a new kind
of trouble is a row here, and a function that finds it.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen


class TroubleKind(StrEnum):
    """The kinds of trouble, by the names that ``/status`` and ``/metrics`` have for them."""

    STORE = "store"
    DISK_FULL = "disk_full"
    SERVER_STALE = "server_stale"
    SERVER_FAILING = "server_failing"
    SENDING_STUCK = "sending_stuck"
    SENDING_FAILING = "sending_failing"
    RESULTS_UNKEPT = "results_unkept"
    STRANGERS_REFUSED = "strangers_refused"


@frozen
class TroubleRow:
    """What the daemon says about a kind of trouble."""

    meaning: str
    """What is wrong, for the documentation and the metrics."""
    advice: str
    """What the user can do."""
    unhealthy_text: str = ""
    """The reason that ``/health`` gives to anybody, so it names no server and no file.

    Empty if this kind of trouble does not make the daemon unhealthy.
    """


TROUBLES: Mapping[TroubleKind, TroubleRow] = {
    TroubleKind.STORE: TroubleRow(
        "The database does not respond.",
        "See the daemon's log. Check the disk that holds the data directory.",
        "The database does not respond; see qabel status.",
    ),
    TroubleKind.DISK_FULL: TroubleRow(
        "The disk is full: nothing can be received or sent.",
        "Free disk space; the daemon then resumes.",
        "The disk is full: nothing can be received or sent until disk space is free.",
    ),
    TroubleKind.SERVER_STALE: TroubleRow(
        "A drop server could not be read for longer than --stale-after.",
        "Check its URL, and that this machine is online. The daemon keeps trying.",
        "A drop server could not be read for too long; see qabel status.",
    ),
    TroubleKind.SERVER_FAILING: TroubleRow(
        "The last attempts to read from a drop server failed.",
        "Check its URL, and that this machine is online. The daemon keeps trying.",
    ),
    TroubleKind.SENDING_STUCK: TroubleRow(
        "A message has been waiting to be sent for more than six hours.",
        "Run: qabel outbox list --waiting",
        "A message has been waiting to be sent for more than six hours; see qabel outbox list "
        "--waiting.",
    ),
    TroubleKind.SENDING_FAILING: TroubleRow(
        "The last attempts to send to a drop server failed.",
        "Check that this machine is online. The daemon keeps trying.",
    ),
    TroubleKind.RESULTS_UNKEPT: TroubleRow(
        "Results of deliveries could not be stored yet.",
        "Check the disk that holds the data directory. The daemon keeps trying.",
    ),
    TroubleKind.STRANGERS_REFUSED: TroubleRow(
        "Messages of strangers were not kept for lack of room.",
        "Delete some, add their senders as contacts, or raise inbox.stranger_quota in the local "
        "settings.",
    ),
}


@frozen
class Trouble:
    """Something that is wrong."""

    kind: TroubleKind
    what: str
    """What is wrong, in whole sentences. It may name servers and files, but no drop and no key."""

    @property
    def row(self) -> TroubleRow:
        """What the table says about this kind."""
        return TROUBLES[self.kind]

    @property
    def unhealthy(self) -> bool:
        """Whether it makes the daemon as a whole unhealthy: monitoring is alerted."""
        return bool(self.row.unhealthy_text)
