"""``qabel status``."""

import io

from qabel.cli.output import Output
from qabel.cli.status import show_status
from tests.cli.conftest import QabelCommand


def test_status(alice: QabelCommand) -> None:
    """People see a summary; programs get everything that the daemon reports."""
    assert ": healthy" in alice("status").out
    [status] = alice.json("status")
    assert status["status"] == "running"


def test_problems() -> None:
    """Problems are shown, and a database that does not respond leaves the outbox unknown."""
    server = {"server": "http://x", "drops": 1, "last_success": None, "next_poll": None,
              "failures": 1, "last_error": "timed out"}  # fmt: skip
    out = io.StringIO()
    status = {
        "version": "1",
        "uptime": 61.0,
        "healthy": False,
        "troubles": ["The disk is full."],
        "inbox": {"messages": 1},
        "acknowledgements": {"waiting": 2, "given_up": 7},
        "strangers": {"kept_bytes": 3 * 2**20, "quota_bytes": 64 * 2**20, "refused": 5},
        "outbox": None,
        "drop_servers": [server],
    }
    show_status(status, Output(out=out))
    assert out.getvalue().splitlines() == [
        "qabel 1, running for 1 min: unhealthy",
        "! The disk is full.",
        "Inbox   1 message",
        "        3.0 MiB of 64.0 MiB from strangers; 5 not kept",
        "Outbox  unknown: the database does not respond",
        "        2 acknowledgements waiting for a random delay; 7 given up",
        "",
        "DROP SERVER  DROPS  LAST READ  NEXT READ  PROBLEM",
        "http://x     1      never      -          timed out (failed 1 time)",
    ]


def test_proxy() -> None:
    """The proxy is shown, and what does not go through it."""
    proxy = {"address": "127.0.0.1:9050", "isolating": True, "direct": ["http://localhost:9697"]}
    out = io.StringIO()
    show_status({"version": "1", "proxy": proxy}, Output(out=out))
    where = "127.0.0.1:9050, keeps identities apart; directly to http://localhost:9697"
    assert f"Proxy   {where}" in out.getvalue().splitlines()
    out = io.StringIO()
    show_status({"version": "1", "proxy": {"address": "p.example:1"}}, Output(out=out))
    assert "Proxy   p.example:1" in out.getvalue().splitlines()


def test_not_all_is_well() -> None:
    """A daemon that is healthy all the same says how many problems there are."""
    server = {"server": "http://x", "failures": 2, "last_error": "Refused."}
    trouble = {"kind": "disk_low", "what": "Only 9 MiB free.", "since": 0, "unhealthy": False}
    for members, problem in (
        ({"trouble_details": [trouble, trouble]}, "2 problems"),
        ({"troubles": ["Old."]}, "1 problem"),
        ({"drop_servers": [server, {"server": "http://y"}]}, "1 problem"),
    ):
        out = io.StringIO()
        show_status({"version": "1", "healthy": True, **members}, Output(out=out))
        assert out.getvalue().splitlines()[0].endswith(f": working, with {problem}")
        assert ". (" not in out.getvalue()
        assert ".. " not in out.getvalue()
