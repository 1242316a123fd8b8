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
    STORE_READ_ONLY = "store_read_only"
    STORE_LOCKED = "store_locked"
    STORE_REPLACED = "store_replaced"
    DAMAGE = "damage"
    DISK_FULL = "disk_full"
    DISK_LOW = "disk_low"
    NOT_STORED = "not_stored"
    WORKER_STUCK = "worker_stuck"
    POLLER_STOPPED = "poller_stopped"
    PROXY = "proxy"
    PROXY_NOT_ISOLATING = "proxy_not_isolating"
    SERVER_STALE = "server_stale"
    SERVER_FAILING = "server_failing"
    SERVER_GROUP_TOKEN = "server_group_token"  # noqa: S105 - no token
    FULL_READING_FAILING = "full_reading_failing"
    DROP_BANDWIDTH = "drop_bandwidth"
    SERVER_WENT_BACK = "server_went_back"
    SENDING_STUCK = "sending_stuck"
    SENDING_FAILING = "sending_failing"
    RESULTS_UNKEPT = "results_unkept"
    STRANGERS_REFUSED = "strangers_refused"
    SERVER_UNENCRYPTED = "server_unencrypted"
    LINKABLE = "linkable"
    PUSH_FAILING = "push_failing"
    WEBHOOK_FAILING = "webhook_failing"
    WEBHOOK_UNDELIVERED = "webhook_undelivered"
    KEY_FILE = "key_file"
    TOKEN_FILE = "token_file"  # noqa: S105 - no token
    SOCKET_FILE = "socket_file"
    LOG_FILE = "log_file"
    CLOCK = "clock"
    ERASING_FAILING = "erasing_failing"
    HOUSEKEEPING_FAILING = "housekeeping_failing"
    MODULE_FAILED = "module_failed"
    MODULE_SET_ASIDE = "module_set_aside"
    MODULE_SETTINGS = "module_settings"
    CHECK_FAILED = "check_failed"


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
    logged_as: TroubleKind | None = None
    """Another kind: as long as that, or this, lasts for the same subject, it is logged once."""


TROUBLES: Mapping[TroubleKind, TroubleRow] = {
    TroubleKind.STORE: TroubleRow(
        "The database does not respond.",
        "See the daemon's log. Check the disk that holds the data directory.",
        "The database does not respond; see qabel status.",
    ),
    TroubleKind.STORE_READ_ONLY: TroubleRow(
        "The database cannot be written: its disk, its directory or the file is read-only.",
        "Make it writable: see mount, ls -l and dmesg. The daemon then resumes.",
        "The database cannot be written: it is read-only. Nothing can be received or sent.",
    ),
    TroubleKind.STORE_LOCKED: TroubleRow(
        "Another process has locked the database.",
        "End the other process, such as a backup program or a database shell. The daemon then "
        "resumes.",
        "Another process has locked the database: nothing can be received or sent.",
    ),
    TroubleKind.STORE_REPLACED: TroubleRow(
        "The file of the database was deleted, or another file has its name.",
        "Put the file back, or restart the daemon with the one that is there.",
        "The file of the database was deleted or replaced: nothing can be received or sent.",
    ),
    TroubleKind.DAMAGE: TroubleRow(
        "A part of the database is damaged and cannot be read. What is whole can be used.",
        "Stop the daemon. Copy what can be read, with qabel salvage --data-dir OLD --to NEW, or "
        "restore a backup. Check the disk.",
        "The database is damaged; see qabel status.",
    ),
    TroubleKind.DISK_FULL: TroubleRow(
        "The disk is full: nothing can be received or sent.",
        "Free disk space; the daemon then resumes.",
        "The disk is full: nothing can be received or sent until disk space is free.",
    ),
    TroubleKind.DISK_LOW: TroubleRow(
        "The disk that holds the data directory has less than 100 MiB of free space.",
        "Free some disk space: received messages are stored there.",
    ),
    TroubleKind.NOT_STORED: TroubleRow(
        "What was read from a drop server could not be stored.",
        "Check the disk that holds the data directory. The daemon keeps trying; nothing is lost "
        "for as long as the drop server keeps the messages.",
        "Received messages cannot be stored; see qabel status.",
    ),
    TroubleKind.WORKER_STUCK: TroubleRow(
        "A thread that opens, seals or reads files has been busy with one task for too long.",
        "Check the disk that holds the data directory, and restart the daemon.",
        "A part of the daemon does not respond; see qabel status.",
    ),
    TroubleKind.POLLER_STOPPED: TroubleRow(
        "Drop servers are not polled when it is time.",
        "See the daemon's log, and restart the daemon.",
        "Drop servers are not polled; see qabel status.",
    ),
    TroubleKind.PROXY: TroubleRow(
        "The proxy does not do its part, so nothing is received or sent.",
        "Check that the proxy runs, and its URL: --proxy, or privacy.proxy in the local settings. "
        "The daemon keeps trying, and never connects without the proxy.",
        "The proxy does not do its part: nothing can be received or sent; see qabel status.",
    ),
    TroubleKind.PROXY_NOT_ISOLATING: TroubleRow(
        "The proxy does not keep connections apart, so servers may see which identities are on one "
        "device.",
        "Use a proxy that takes another way for each user name, as Tor does with IsolateSOCKSAuth, "
        "and leave user name and password out of its URL.",
    ),
    TroubleKind.SERVER_STALE: TroubleRow(
        "A drop server could not be read for longer than --stale-after.",
        "Check its URL, and that this machine is online. The daemon keeps trying.",
        "A drop server could not be read for too long; see qabel status.",
        logged_as=TroubleKind.SERVER_FAILING,
    ),
    TroubleKind.SERVER_FAILING: TroubleRow(
        "The last attempts to read from a drop server failed.",
        "Check its URL, and that this machine is online. The daemon keeps trying.",
    ),
    TroubleKind.SERVER_GROUP_TOKEN: TroubleRow(
        "A drop server does not accept the group token that is set for it, or lack of one.",
        "Set the token that its operator gives you (qabel server group-token URL). What is to be "
        "read and sent there waits until then.",
    ),
    TroubleKind.FULL_READING_FAILING: TroubleRow(
        "Drops could not be read in full: what a cursor skipped is not found.",
        "Ask the operator of the drop server whether something in front of it cuts long responses. "
        "The daemon keeps trying.",
    ),
    TroubleKind.DROP_BANDWIDTH: TroubleRow(
        "Reading a drop has used up --drop-bandwidth for this hour, so the drop waits.",
        "Wait, or raise --drop-bandwidth. If strangers fill the drop, move to a new one.",
    ),
    TroubleKind.SERVER_WENT_BACK: TroubleRow(
        "A drop server has fewer messages than before, as after a restore from a backup.",
        "Nothing: the daemon reads the drops in full. Ask others to resend what was lost there.",
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
        logged_as=TroubleKind.SERVER_FAILING,
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
    TroubleKind.SERVER_UNENCRYPTED: TroubleRow(
        "The connection to a drop server is not encrypted.",
        "Messages are encrypted all the same, but others on the way can see which drops you read "
        "and write, and can withhold messages. Ask its operator for an https URL.",
    ),
    TroubleKind.LINKABLE: TroubleRow(
        "All identities share connections, as --linkable was given.",
        "Drop servers can tell which identities belong together, and who sends a message. Start "
        "the daemon without --linkable, unless it is a bot whose identities are no secret.",
    ),
    TroubleKind.PUSH_FAILING: TroubleRow(
        "The push connection to a drop server fails, although it can be polled.",
        "Messages arrive with the next poll. Check that a proxy in front of the server passes "
        "WebSocket connections on, and does not close them. The daemon keeps trying.",
    ),
    TroubleKind.WEBHOOK_FAILING: TroubleRow(
        "A webhook does not accept what is delivered to it.",
        "Check that its receiver runs, and responds with a status from 200 to 299. The daemon "
        "keeps trying for about half a day for each event.",
    ),
    TroubleKind.WEBHOOK_UNDELIVERED: TroubleRow(
        "Events were given up, as they could not be delivered to a webhook.",
        "Get them with GET /webhooks/ID/undelivered, and remove them from the list with DELETE.",
    ),
    TroubleKind.KEY_FILE: TroubleRow(
        "A file that the database key depends on is missing, was changed, or others can read it.",
        "Without it, the database cannot be opened again after the daemon stops: restore it from "
        "your copy. If others could read it, run chmod 600, and change the key (qabel key change).",
    ),
    TroubleKind.TOKEN_FILE: TroubleRow(
        "The file of the main token is missing, was changed, or others can read it.",
        "Create a new token with POST /tokens/main, or restart the daemon; then pass it to your "
        "programs.",
    ),
    TroubleKind.SOCKET_FILE: TroubleRow(
        "The Unix socket was removed, and cannot be created again: clients cannot connect to it.",
        "Restart the daemon. Check that nothing else removes files from the data directory.",
    ),
    TroubleKind.LOG_FILE: TroubleRow(
        "The log file cannot be written, so lines of the log are lost.",
        "Check the disk that holds the log file, and its permissions.",
    ),
    TroubleKind.CLOCK: TroubleRow(
        "This machine's clock was never set, or was set forward or back.",
        "Set the clock, and keep it synchronized: timedatectl set-ntp true",
    ),
    TroubleKind.ERASING_FAILING: TroubleRow(
        "Deleted data could not be erased from the disk yet: whoever has the key can still read "
        "it.",
        "Check the disk that holds the data directory. The daemon keeps trying.",
    ),
    TroubleKind.HOUSEKEEPING_FAILING: TroubleRow(
        "Old data could not be deleted.",
        "Check the disk that holds the data directory. The daemon keeps trying.",
    ),
    TroubleKind.MODULE_FAILED: TroubleRow(
        "A module does not run.",
        "Install the module again, or start the daemon without it (--no-module NAME). The rest of "
        "the daemon works.",
    ),
    TroubleKind.MODULE_SET_ASIDE: TroubleRow(
        "A module could not deal with some messages.",
        "They are in the inbox all the same. qabel module list names the module; they are tried "
        "again when the daemon starts, such as with a newer version of the module.",
    ),
    TroubleKind.MODULE_SETTINGS: TroubleRow(
        "A module cannot use what an earlier version of it has stored in the settings.",
        "Change or remove it: it is under module_data. Until then the module uses its defaults.",
    ),
    TroubleKind.CHECK_FAILED: TroubleRow(
        "The daemon could not check one of its parts.",
        "This is a bug: report it, with the traceback in the daemon's log.",
    ),
}


@frozen
class Trouble:
    """Something that is wrong."""

    kind: TroubleKind
    what: str
    """What is wrong, in whole sentences. It may name servers and files, but no drop and no key."""
    subject: str = ""
    """What it is about, if there can be several of this kind: a server, a webhook, a file."""

    @property
    def row(self) -> TroubleRow:
        """What the table says about this kind."""
        return TROUBLES[self.kind]

    @property
    def unhealthy(self) -> bool:
        """Whether it makes the daemon as a whole unhealthy: monitoring is alerted."""
        return bool(self.row.unhealthy_text)
