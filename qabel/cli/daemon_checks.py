"""The checks of ``qabel doctor`` of what a running daemon reports."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define, field

from qabel.cli.api_client import ApiClient, ApiResponse
from qabel.cli.checks import Check, CheckState, check_clock, check_encryption
from qabel.cli.errors import CommandError
from qabel.cli.lenient import (
    as_object,
    count_in,
    number_in,
    object_in,
    objects_in,
    text_in,
    texts_in,
)
from qabel.cli.units import ago, count, duration

TIMEOUT = 10.0
"""Seconds without a byte from the daemon before it counts as hanging."""

LONG_WAIT = 600
"""Seconds that a message may be queued before that is a warning."""

_NAMES = {
    "store": "database",
    "damage": "database",
    "not_stored": "database",
    "disk_full": "disk",
    "disk_low": "disk",
    "key_file": "key",
    "token_file": "token",
    "sending_stuck": "outbox",
    "sending_failing": "outbox",
    "results_unkept": "outbox",
    "push_failing": "server",
    "clock": "clock",
}
"""The names of the checks that kinds of trouble belong to; others begin with them."""

_STARTS = {"store": "database", "proxy": "proxy", "server": "server", "webhook": "webhook"}


@define
class DaemonChecks:
    """Asks a running daemon, one thing after another: what it cannot answer hides nothing else.

    Args:
        client: sends the requests.
        failed: the names of the checks of this machine that were not good: what the daemon reports
            of the same is left out.
        key_is_elsewhere: whether there is no key in the data directory.

    """

    _client: ApiClient
    _failed: frozenset[str] = frozenset()
    _key_is_elsewhere: bool = field(default=False, kw_only=True)
    _status: Mapping[str, Any] = field(factory=dict, init=False)
    _kinds: set[str] = field(factory=set, init=False)
    """The kinds of trouble that there are."""

    def run(self) -> Iterator[Check]:
        """Yield all checks; whatever the daemon answers, nothing is raised."""
        steps: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
            ("status", self._troubles),
            ("key", self._key),
            ("proxy", self._proxy),
            ("server", self._servers),
            ("people", self._people),
            ("outbox", self._outbox),
            ("clock", self._clock),
        )
        for name, step in steps:
            try:
                yield from step()
            except CommandError as error:
                yield Check(name, CheckState.FAILED, error.message, error.hint)
            except Exception as error:  # noqa: BLE001 - the other checks are to be made
                detail = f"The daemon's answer cannot be read ({type(error).__name__})"
                yield Check(name, CheckState.WARNING, detail, "Check its version: qabel status")

    def _ask(self, path: str, what: str) -> tuple[ApiResponse, Mapping[str, Any]]:
        response = self._client.request("GET", path, timeout=TIMEOUT)
        return response, as_object(response.value, what)

    def _troubles(self) -> Iterator[Check]:
        _, self._status = self._ask("/status", "a status")
        details = objects_in(self._status, "trouble_details")
        self._kinds = {text_in(each, "kind") for each in details}
        for each in details:
            name = _name(text_in(each, "kind"))
            if name not in self._failed:
                state = CheckState.FAILED if each.get("unhealthy") is True else CheckState.WARNING
                yield Check(name, state, text_in(each, "what"), text_in(each, "advice", ""))
        if not details:
            for problem in texts_in(self._status, "troubles"):
                yield Check("daemon", CheckState.WARNING, problem)

    def _key(self) -> Iterator[Check]:
        """Check the key of a daemon that has it from elsewhere."""
        if not self._key_is_elsewhere or self._kinds & {"key_file", "store"}:
            return
        if "trouble_details" in self._status:
            yield Check("key", CheckState.OK, "The key is kept elsewhere, and opened the database")
        else:
            detail = "There is no key in the data directory; the daemon does not report more"
            yield Check("key", CheckState.WARNING, detail, "Check that the key is kept elsewhere")

    def _proxy(self) -> Iterator[Check]:
        proxy = object_in(self._status, "proxy")
        if proxy is None or any(_name(kind) == "proxy" for kind in self._kinds):
            return
        isolating = proxy.get("isolating")
        detail = f"All traffic to servers goes through the proxy at {text_in(proxy, 'address')}"
        detail += ", which keeps identities apart" if isolating is True else ""
        yield Check("proxy", CheckState.OK, detail)

    def _servers(self) -> Iterator[Check]:
        now, is_reported = time.time(), "trouble_details" in self._status
        for each in objects_in(self._status, "drop_servers"):
            server, error = text_in(each, "server"), text_in(each, "last_error")
            last_read = f"last read: {ago(number_in(each, 'last_success'), now)}"
            if not count_in(each, "failures"):
                never = number_in(each, "last_success") is None
                state = CheckState.WARNING if never else CheckState.OK
                yield Check("server", state, f"{server} ({last_read}{_push(each)})")
            elif not is_reported:
                detail = f"Cannot read {server}: {error} ({last_read})"
                hint = "Check its URL, and that this machine is online. The daemon keeps trying"
                yield Check("server", CheckState.FAILED, detail, hint)
            unencrypted = None if is_reported else check_encryption(server)
            if unencrypted is not None:
                yield unencrypted

    def _people(self) -> Iterator[Check]:
        _, synced = self._ask("/synced", "settings")
        servers, identities, contacts = (
            [each for each in objects_in(synced, key) if not each.get("deleted")]
            for key in ("drop_servers", "identities", "contacts")
        )
        if not any(each.get("active") for each in servers):
            detail = "No active drop server: new identities have nowhere to receive"
            yield Check("people", CheckState.WARNING, detail, "Run: qabel server add URL")
        if identities:
            total = count(len(identities), "identity", "identities")
            yield Check("people", CheckState.OK, f"{total}, {count(len(contacts), 'contact')}")
        else:
            detail = "No identities: nobody can write to you"
            hint = "Run: qabel identity new ALIAS"
            yield Check("people", CheckState.WARNING, detail, hint)
        for each in identities:
            if not each.get("drops"):
                detail = f"{text_in(each, 'alias')} has no drop: nobody can write to it"
                yield Check("people", CheckState.WARNING, detail, "Add one: PATCH /identities/ID")

    def _outbox(self) -> Iterator[Check]:
        outbox = object_in(self._status, "outbox")
        if outbox is None or any(_name(kind) == "outbox" for kind in self._kinds):
            return
        oldest = number_in(outbox, "oldest_waiting")
        if oldest is None:
            yield Check("outbox", CheckState.OK, "No messages are waiting to be sent")
            return
        waiting = count(count_in(outbox, "queued"), "message")
        detail = f"{waiting} waiting to be sent, the oldest for {duration(oldest)}"
        if oldest <= LONG_WAIT:
            yield Check("outbox", CheckState.OK, detail)
        else:
            hint = "Run: qabel outbox list --waiting"
            yield Check("outbox", CheckState.WARNING, detail, hint)

    def _clock(self) -> Iterator[Check]:
        if "clock" in self._kinds:
            return
        response, settings = self._ask("/settings", "settings")
        newest = text_in(settings, "drop_last_update", "")
        yield check_clock(time.time(), response.headers.get("Date"), newest or None)


def _name(kind: str) -> str:
    """Return the name of the check that a kind of trouble belongs to."""
    return _NAMES.get(kind) or _STARTS.get(kind.split("_", maxsplit=1)[0], "daemon")


def _push(server: Mapping[str, Any]) -> str:
    """Return what to say of push, if the server does not offer it."""
    if server.get("push") != "not offered":
        return ""
    every = number_in(server, "interval")
    polled = "" if every is None else f", so it is polled every {duration(every)}"
    return f"; it offers no push{polled}"
