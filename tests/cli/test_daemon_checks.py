"""What ``qabel doctor`` and ``qabel status`` make of a daemon's answers, however odd they are."""

import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.cli.api_client import ApiClient
from qabel.cli.checks import Check, CheckState
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.daemon_checks import DaemonChecks
from tests.cli.conftest import call
from tests.cli.prepared_server import (
    PreparedServer,
    json_response,
    prepared_server,
    problem_response,
    response,
)

DETAIL = {
    "kind": "disk_full",
    "what": "The disk is full.",
    "advice": "Free some.",
    "unhealthy": True,
    "since": 1_800_000_000_000,
}
STATUS: dict[str, Any] = {
    "status": "running",
    "version": "1",
    "uptime": 61.0,
    "healthy": False,
    "troubles": ["The disk is full."],
    "trouble_details": [DETAIL],
    "inbox": {"messages": 1, "latest": "x.1"},
    "strangers": {"kept_bytes": 1, "quota_bytes": 2, "refused": 3},
    "outbox": {"queued": 1, "sent": 1, "failed": 0, "oldest_waiting": 5.0},
    "drop_servers": [
        {
            "server": "http://drop.example",
            "drops": 1,
            "last_success": 1_800_000_000_000,
            "last_error": "It said 500.",
            "failures": 1,
            "next_poll": None,
            "not_stored": None,
            "interval": 5.0,
            "push": "not offered",
            "unencrypted": True,
        }
    ],
}
SYNCED: dict[str, Any] = {
    "drop_servers": [{"url": "http://drop.example", "active": True, "deleted": 0}],
    "identities": [{"alias": "A", "drops": ["http://drop.example/x"], "deleted": 0}],
    "contacts": [],
}
LOCAL: dict[str, Any] = {"drop_last_update": "Fri, 15 Jan 2027 08:00:00 GMT"}

ANSWERS = {"/health": {"status": "alive"}, "/status": STATUS, "/synced": SYNCED, "/settings": LOCAL}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="qabel") as name:
        Path(name).chmod(0o700)
        yield Path(name)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[PreparedServer]:
    """Run a server in the place of a daemon."""
    with prepared_server(folder / "rest.sock", lambda _: b"") as running:
        yield running


@pytest.fixture
def daemon(server: PreparedServer) -> PreparedServer:
    """Return the server, with good answers."""
    server.respond = answering({})
    return server


def answering(changes: dict[str, Any]) -> Callable[[str], bytes]:
    """Return what answers with good values, but for those of some paths."""

    def respond(target: str) -> bytes:
        path = target.split("?", maxsplit=1)[0]
        value = changes.get(path, ANSWERS.get(path))
        return value if isinstance(value, bytes) else json_response(value)

    return respond


def checks(folder: Path, *failed: str, elsewhere: bool = False) -> list[Check]:
    """Return the checks of what the daemon reports."""
    client = ApiClient(DaemonAddress(socket=folder / "rest.sock"), None)
    return [*DaemonChecks(client, frozenset(failed), key_is_elsewhere=elsewhere).run()]


def named(found: list[Check], name: str) -> list[Check]:
    """Return the checks of a name."""
    return [each for each in found if each.name == name]


def test_troubles_have_states_and_advice(daemon: PreparedServer, folder: Path) -> None:
    """What makes the daemon unhealthy fails, all else is a warning, and each has its advice."""
    failing = {**DETAIL, "kind": "server_failing", "what": "It fails.", "unhealthy": False}
    daemon.respond = answering({"/status": {**STATUS, "trouble_details": [DETAIL, failing]}})
    found = checks(folder)
    [disk] = named(found, "disk")
    assert (disk.state, disk.detail, disk.hint) == (
        CheckState.FAILED,
        "The disk is full.",
        "Free some.",
    )
    assert [(each.state, each.detail) for each in named(found, "server")] == [
        (CheckState.WARNING, "It fails.")
    ]


def test_nothing_is_reported_twice(daemon: PreparedServer, folder: Path) -> None:
    """What this machine's own checks have found already is not repeated."""
    assert named(checks(folder, "disk"), "disk") == []


def test_an_older_daemon(daemon: PreparedServer, folder: Path) -> None:
    """A daemon that reports no details is checked by what it has always reported."""
    old = {key: value for key, value in STATUS.items() if key != "trouble_details"}
    daemon.respond = answering({"/status": old})
    found = checks(folder)
    assert [each.detail for each in named(found, "daemon")] == ["The disk is full."]
    failed, unencrypted = named(found, "server")
    assert failed.state is CheckState.FAILED
    assert "It said 500." in failed.detail
    assert "http" in unencrypted.detail


def test_a_proxy(daemon: PreparedServer, folder: Path) -> None:
    """The proxy is a check of its own, unless there is trouble with it."""
    proxy = {"address": "127.0.0.1:9050", "isolating": True, "error": None, "direct": []}
    daemon.respond = answering({"/status": {**STATUS, "proxy": proxy}})
    [check] = named(checks(folder), "proxy")
    where = "All traffic to servers goes through the proxy at 127.0.0.1:9050"
    assert check == Check("proxy", CheckState.OK, f"{where}, which keeps identities apart")
    proxy["isolating"] = None
    [check] = named(checks(folder), "proxy")
    assert check.detail == where
    detail = {**DETAIL, "kind": "proxy", "what": "The proxy refused the connection."}
    troubled = {**STATUS, "proxy": proxy, "trouble_details": [detail]}
    daemon.respond = answering({"/status": troubled})
    [check] = named(checks(folder), "proxy")
    assert (check.state, check.detail) == (CheckState.FAILED, detail["what"])


def test_a_key_that_is_elsewhere(daemon: PreparedServer, folder: Path) -> None:
    """A running daemon knows whether its key is missing."""
    well = {**STATUS, "trouble_details": []}
    daemon.respond = answering({"/status": well})
    assert [each.state for each in named(checks(folder, elsewhere=True), "key")] == [CheckState.OK]
    missing = {**DETAIL, "kind": "key_file", "unhealthy": False}
    daemon.respond = answering({"/status": {**STATUS, "trouble_details": [missing]}})
    states = [each.state for each in named(checks(folder, elsewhere=True), "key")]
    assert states == [CheckState.WARNING]


@pytest.mark.parametrize("path", ["/status", "/synced", "/settings"])
def test_a_database_that_does_not_answer(daemon: PreparedServer, folder: Path, path: str) -> None:
    """One request that is refused is a failed check, and all others are made."""
    detail = "The database does not respond."
    daemon.respond = answering({path: problem_response(503, detail=detail)})
    found = checks(folder)
    assert detail in [each.detail for each in found if each.state is CheckState.FAILED]
    assert len({each.name for each in found}) >= 2


def test_a_server_without_push(daemon: PreparedServer, folder: Path) -> None:
    """It is no problem, but it is said what it means."""
    well = copy.deepcopy(STATUS)
    well["drop_servers"][0] |= {"failures": 0, "last_error": None}
    daemon.respond = answering({"/status": well})
    [check] = named(checks(folder), "server")
    assert check.state is CheckState.OK
    assert check.detail.endswith("; it offers no push, so it is polled every 5 s)")


def run_both(folder: Path) -> None:
    """Run both commands, which must end with one line at most in place of an answer."""
    for command in ("status", "doctor"):
        for options in ([], ["--json"]):
            result = call("--data-dir", str(folder), *options, command)
            assert result.exit_status in (0, 1, 3), result.err
            notes = [line for line in result.err.splitlines() if line.startswith("qabel: ")]
            assert len(notes) <= 1
            assert "Traceback" not in result.out + result.err


def paths_in(value: Any, start: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each part of a value is."""
    if start:
        yield start
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from paths_in(part, (*start, key))


MEMBERS = [(name, path) for name in ANSWERS for path in paths_in(ANSWERS[name])]


@pytest.mark.parametrize(("name", "path"), MEMBERS, ids=str)
def test_any_member_can_be_missing_or_odd(
    daemon: PreparedServer, folder: Path, name: str, path: tuple[Any, ...]
) -> None:
    """Without any single member, and with each as something else, both commands end well."""
    for odd in (None, "MISSING", [], {}, "text", -1e300, [[1]], True):
        changed = copy.deepcopy(ANSWERS[name])
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        if odd == "MISSING":
            del parent[path[-1]]
        else:
            parent[path[-1]] = odd
        daemon.respond = answering({name: changed})
        client = ApiClient(DaemonAddress(socket=folder / "rest.sock"), None)
        assert [*DaemonChecks(client).run()]
        result = call("--data-dir", str(folder), "status")
        assert result.exit_status in (0, 1, 3)
    run_both(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@settings(max_examples=30)
@given(name=st.sampled_from(sorted(ANSWERS)), value=JSON, cut=st.integers(0, 400))
def test_whatever_is_sent(
    server: PreparedServer, folder: Path, name: str, value: object, cut: int
) -> None:
    """Any JSON, and any answer that ends too early, ends both commands well."""
    server.respond = answering({name: value})
    run_both(folder)
    server.respond = answering({name: json_response(ANSWERS[name])[:cut]})
    run_both(folder)
    body = json.dumps(ANSWERS[name]).encode()[:cut]
    server.respond = answering({name: response(200, "application/json", body)})
    run_both(folder)


@pytest.mark.parametrize(
    "answer",
    [
        response(200, "application/json", b"[" * 100_000),
        response(200, "application/json", b"\xff\xfe"),
        response(200, "text/html", b"<html>Please log in</html>"),
        response(500, "text/plain", b"Traceback"),
        problem_response(500),
        b"220 mail.example ESMTP\r\n",
        b"",
    ],
    ids=["deep", "bytes", "page", "text", "problem", "mail", "nothing"],
)
@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_no_json(daemon: PreparedServer, folder: Path, name: str, answer: bytes) -> None:
    """What is not even an answer of a daemon ends both commands well."""
    daemon.respond = answering({name: answer})
    run_both(folder)
