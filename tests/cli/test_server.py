"""``qabel server``."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, one_line


def test_servers(bob: QabelCommand) -> None:
    """Drop servers are added and removed without a change to the others."""
    before = bob.json("server")
    [added] = bob.json("server", "add", "https://drop.example.org")
    assert bob("server").out.count("\n") == len(before) + 2
    assert added["preferred"] is False
    bob.json("server", "prefer", "https://drop.example.org/")
    assert bob.json("server", "list")[0]["id"] == added["id"]
    bob.json("server", "remove", str(added["id"]))
    assert bob.json("server", "list") == before
    assert bob("server", "remove", "https://drop.example.org").exit_status == ExitStatus.NOT_FOUND
    assert bob("server", "add", "nonsense").exit_status == ExitStatus.FAILURE


def test_testing(bob: QabelCommand) -> None:
    """A server is tried with a message, and one that does not respond is an error."""
    [server] = bob.json("server")
    for name in (str(server["id"]), f"id:{server['id']}", server["url"]):
        shown = bob("server", "test", name)
        assert shown.exit_status == 0
        assert "A drop server responded" in shown.out
        for check in ("read", "write", "cursor", "push"):
            assert f"ok    {check}" in shown.out
    [result] = bob.json("server", "test")
    assert (result["ok"], result["found"]) == (True, "drop-server")
    failed = bob("server", "test", "http://127.0.0.1:1")
    assert failed.exit_status == ExitStatus.FAILURE
    assert "127.0.0.1:1" in one_line(failed)
    assert bob("server", "test", "id:99").exit_status == ExitStatus.NOT_FOUND


def test_testing_all(bob: QabelCommand) -> None:
    """Each server in the list is tried, and those that fail are counted."""
    [server] = bob.json("server")
    bob.json("server", "add", "http://127.0.0.1:1")
    result = bob("server", "test")
    assert result.exit_status == ExitStatus.FAILURE
    assert server["url"] in result.out
    first, last = result.err.splitlines()
    assert first.startswith("qabel: http://127.0.0.1:1: ")
    assert last == "qabel: 1 of 2 drop servers failed."
    bob.json("server", "remove", "http://127.0.0.1:1")


@pytest.fixture
def web_site() -> Iterator[str]:
    """Run a web site that is no drop server, and return its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        thread.join()


def test_adding(bob: QabelCommand, web_site: str) -> None:
    """What is added is tried; something that is no drop server needs --force."""
    before = bob.json("server")
    refused = bob("server", "add", web_site)
    assert refused.exit_status == ExitStatus.FAILURE
    assert "no drop server" in one_line(refused)
    assert "--force" in refused.err
    assert bob.json("server") == before
    assert "Warning" in bob("server", "add", web_site, "--force").err
    silent = bob("server", "add", "http://127.0.0.1:1")
    assert silent.exit_status == 0
    assert "Could not connect" in silent.err
    assert "qabel server test" in silent.err
    for url in (web_site, "http://127.0.0.1:1"):
        bob.json("server", "remove", url)
    bob.json("server", "remove", before[0]["url"])
    added = bob("server", "add", before[0]["url"])
    assert "it works" in added.err


def test_only_one_is_used(bob: QabelCommand) -> None:
    """The list says which single server is used for new drops."""
    bob.json("server", "add", "http://127.0.0.1:1")
    column = [line.split()[2] for line in bob("server").out.splitlines()[1:]]
    bob.json("server", "remove", "http://127.0.0.1:1")
    assert column == ["yes", "no"]


def test_a_group_token(bob: QabelCommand, tmp_path: Path) -> None:
    """It is set, shown as set, and removed; it is never printed, and no option takes it."""
    token = "correct-horse-battery"
    (tmp_path / "token").write_text(token)
    url = "http://127.0.0.1:1"
    added = bob("server", "add", url, "--group-token-file", str(tmp_path / "token"))
    assert added.exit_status == 0
    listed = bob("server", "list")
    assert [line.split()[-1] for line in listed.out.splitlines()] == ["TOKEN", "-", "set"]
    removed = bob("server", "group-token", url, "--remove")
    assert "GROUP TOKEN" not in bob("server", "list").out
    assert [each["has_auth"] for each in bob.json("server")] == [False, False]
    changed = bob("server", "group-token", url, stdin=token.encode())
    again = bob("server", "group-token", url, "--file", "-", stdin=token.encode())
    for each in (added, listed, removed, changed, again):
        assert (each.exit_status, token in each.out + each.err) == (0, False)
    servers = bob.json("settings", "get", "drop_servers")[0]
    assert [each["auth"] for each in servers if not each["deleted"]] == ["", token]
    assert token not in bob("settings", "get", "--synced").out
    gone = bob("server", "remove", url)
    assert "until you add it again" in gone.err


def test_what_is_no_group_token(bob: QabelCommand) -> None:
    """Wrong input changes nothing."""
    before = bob.json("server")
    url = before[0]["url"]
    for words, stdin in (
        (("add", "http://127.0.0.1:1", "--group-token-file", "-"), b"two words"),
        (("group-token", url), b""),
        (("group-token", url), b"two words"),
        (("group-token", url, "--file", "-", "--remove"), b"token"),
    ):
        result = bob("server", *words, stdin=stdin)
        assert result.exit_status == ExitStatus.USAGE
        assert "two words" not in one_line(result)
    missing = bob("server", "group-token", "http://127.0.0.1:1", stdin=b"secret-token")
    assert missing.exit_status == ExitStatus.NOT_FOUND
    assert bob.json("server") == before
