"""Each trouble is made for real, said by health, status, doctor and metrics, and then over."""

import http.server
import re
import signal
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from tests.cli.conftest import call
from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import DRAWN, Daemon, Pen, eventually
from tests.integration.test_trouble_disk import Limited
from tests.net.recording_proxy import RecordingProxy

WITHIN = 20.0
"""Seconds in which a trouble has to be said, and after which it has to be over."""


@frozen
class Doctor:
    """All that a daemon says about a kind of trouble."""

    daemon: Daemon

    def kinds(self) -> set[str]:
        """Return the kinds of trouble in the status."""
        return {each["kind"] for each in self.daemon.status()["trouble_details"]}

    def metric(self, kind: str) -> int:
        """Return the number that the metrics have for a kind."""
        text = self.daemon.api.good("GET", "/metrics")
        [number] = re.findall(rf'^qabel_trouble{{kind="{kind}"}} (\S+)$', text, re.M)
        return int(float(number))

    def doctor(self) -> str:
        """Return what ``qabel doctor`` prints."""
        return call("--data-dir", str(self.daemon.directory), "doctor").out

    def finds(
        self,
        kind: str,
        what: str,
        *,
        unhealthy: bool = False,
        label: str = "warn",
        within: float = WITHIN,
    ) -> None:
        """Wait for a trouble, and see that everything tells the same."""
        eventually(lambda: re.search(what, self.daemon.troubles()), self.daemon.troubles, within)
        status = self.daemon.status()
        detail = next(each for each in status["trouble_details"] if each["kind"] == kind)
        assert re.search(what, detail["what"])
        assert detail["what"] in status["troubles"]
        assert detail["advice"]
        assert detail["since"] > 1.7e12
        assert detail["unhealthy"] == unhealthy
        assert status["healthy"] != unhealthy
        assert self.daemon.health().status == (503 if unhealthy else 200)
        assert self.metric(kind) == 1
        label = "FAIL" if unhealthy else label
        assert re.search(rf"^{label}  \S+ +.*{what}", self.doctor(), re.M), self.doctor()
        shown = call("--data-dir", str(self.daemon.directory), "status")
        assert re.search(what, shown.out)
        eventually(lambda: self.logged(what, "Trouble") == 1, lambda: self.daemon.process.log)

    def is_over(self, kind: str, what: str) -> None:
        """Wait until a trouble is over, and see that it was logged once."""
        eventually(lambda: kind not in self.kinds(), lambda: f"{self.daemon.status()}", WITHIN)
        assert self.metric(kind) == 0
        eventually(lambda: self.daemon.health().status == 200, lambda: f"{self.daemon.status()}")
        over = r"Over after \w+ \w+"
        eventually(lambda: self.logged(what, over) == 1, lambda: self.daemon.process.log)
        assert self.logged(what, "Trouble") == 1

    def logged(self, what: str, start: str) -> int:
        """Return how many lines of the log say this."""
        return len(re.findall(rf"{start}: .*{what}", self.daemon.process.log))


@contextmanager
def receiver(respond: Callable[[], int]) -> Iterator[str]:
    """Run a receiver of webhooks, and return its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = respond()
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/secret"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def box() -> Box:
    """Return what is in the drops."""
    return Box()


@pytest.fixture(scope="module")
def server(box: Box) -> Iterator[BadServer]:
    """Run a drop server."""
    with BadServer(box.serve) as running:
        yield running


@pytest.fixture(scope="module")
def doctor(tmp_path_factory: pytest.TempPathFactory, server: BadServer) -> Iterator[Doctor]:
    """Return a daemon that lives through all the trouble of this module."""
    folder = tmp_path_factory.mktemp("troubles")
    folder.chmod(0o700)
    with Daemon(folder, "alice", push=True).up() as alice:
        alice.live(server.url)
        yield Doctor(alice)
        assert "Traceback" not in alice.process.log
        assert alice.stop() < 5


def test_nothing_is_wrong(doctor: Doctor) -> None:
    """At first there is no trouble; that the server has no push is no trouble, and is said."""
    daemon = doctor.daemon
    eventually(lambda: daemon.status()["drop_servers"][0]["push"] == "not offered")
    assert daemon.status()["trouble_details"] == []
    [server] = daemon.status()["drop_servers"]
    assert (server["interval"], server["unencrypted"]) == (0.1, False)
    line = rf"{server['server']} does not offer push: it is polled every 0.1 s"
    eventually(lambda: re.search(line, daemon.process.log), lambda: daemon.process.log)
    assert "FAIL" not in doctor.doctor()
    assert "it offers no push, so it is polled every 0.1 s" in doctor.doctor()


@pytest.mark.parametrize(
    ("behave", "why"),
    [(bad_servers.fails, "status 500"), (bad_servers.no_multipart, "invalid response")],
)
def test_a_drop_server_fails(
    doctor: Doctor,
    server: BadServer,
    box: Box,
    behave: bad_servers.Behaviour,
    why: str,
) -> None:
    """A server out of order, and a page in its place, are logged once when it goes and comes."""
    server.behave = behave
    doctor.finds("server_failing", f"Reading from {server.url} .*{why}")
    server.behave = box.serve
    doctor.is_over("server_failing", f"Reading from {server.url} .*{why}")


def test_files_that_are_gone_or_opened_up(doctor: Doctor) -> None:
    """A daemon whose key file is gone, and whose token others can read, runs on and says so."""
    path, token = (doctor.daemon.directory / name for name in ("database-key", "api-token"))
    content = path.read_text()
    path.unlink()
    token.chmod(0o644)
    doctor.finds("key_file", f"The database key is missing: there is no file {path}")
    doctor.finds("token_file", f"Other users can access {token}", label="FAIL")
    path.write_text(content)
    path.chmod(0o600)
    token.chmod(0o600)
    doctor.is_over("key_file", "The database key is missing")
    doctor.is_over("token_file", f"Other users can access {token}")


def test_a_webhook_is_dead(doctor: Doctor) -> None:
    """A receiver that nobody runs, and one that hangs, are trouble within seconds."""
    daemon = doctor.daemon
    with receiver(lambda: 204) as url:
        pass
    hook = daemon.api.good("POST", "/webhooks", {"url": url, "kinds": ["settings"]})
    daemon.api.good("PUT", "/settings", {"key": "module_data.x.y", "value": 1})
    doctor.finds("webhook_failing", rf"Delivery to webhook {hook['id']} \(127.0.0.1:\d+\) failed")
    assert "/secret" not in daemon.troubles()
    assert daemon.api.ask("DELETE", f"/webhooks/{hook['id']}").status == 204
    doctor.is_over("webhook_failing", f"Delivery to webhook {hook['id']} ")


def test_a_webhook_hangs_and_the_key_file_is_another_one(doctor: Doctor) -> None:
    """A receiver that takes an event and does not respond is named, until it does.

    Meanwhile, a key file that would not open the database any more is noticed.
    """
    daemon, answer = doctor.daemon, threading.Event()

    def hang() -> int:
        answer.wait(30)
        return 204

    with receiver(hang) as url:
        hook = daemon.api.good("POST", "/webhooks", {"url": url, "kinds": ["settings"]})
        daemon.api.good("PUT", "/settings", {"key": "module_data.x.y", "value": 2})
        path = daemon.directory / "database-key"
        content = path.read_text()
        path.write_text("0" * 64 + "\n")
        doctor.finds("key_file", f"The database key in {path} was changed")
        path.write_text(content)
        doctor.is_over("key_file", "The database key in .* was changed")
        what = rf"The receiver of webhook {hook['id']} \(127.0.0.1:\d+\) has not responded"
        doctor.finds("webhook_failing", what)
        answer.set()
        doctor.is_over("webhook_failing", what)
    daemon.api.ask("DELETE", f"/webhooks/{hook['id']}")


def test_the_socket_is_gone(doctor: Doctor) -> None:
    """A socket that something removes is there again soon, for all clients."""
    (doctor.daemon.directory / "rest.sock").unlink()
    eventually((doctor.daemon.directory / "rest.sock").exists, "no socket", WITHIN)
    assert doctor.daemon.health().status == 200
    assert "was removed; it was created again" in doctor.daemon.process.log


def test_a_push_connection_is_cut(doctor: Doctor, server: BadServer, box: Box) -> None:
    """A server whose push fails while it can be polled is trouble, and why is said."""

    def no_push(peer: bad_servers.Peer, request: bad_servers.Request) -> None:
        if request.path.endswith("/ws"):
            peer.answer("502 Bad Gateway")
        else:
            box.serve(peer, request)

    with BadServer(no_push) as other:
        second = {"alias": "second", "drops": [f"{other.url}/{'s' * 43}"]}
        identity = doctor.daemon.api.good("POST", "/identities", second)
        what = f"The push connection to {other.url} fails: .*status 502"
        doctor.finds("push_failing", what, within=DRAWN)
        doctor.daemon.api.ask("DELETE", f"/identities/{identity['id']}")
        doctor.is_over("push_failing", f"The push connection to {other.url} fails")


def test_a_server_without_encryption(doctor: Doctor) -> None:
    """With http, others can see which drops are read; that is a warning for as long as it is so."""
    drop = {"alias": "plain", "drops": [f"http://drop.invalid/{'p' * 43}"]}
    identity = doctor.daemon.api.good("POST", "/identities", drop)
    doctor.finds("server_unencrypted", "The connection to http://drop.invalid is not encrypted")
    assert "others can see which drops you read" in doctor.daemon.troubles()
    doctor.daemon.api.ask("DELETE", f"/identities/{identity['id']}")
    doctor.is_over("server_unencrypted", "The connection to http://drop.invalid")


def test_a_message_that_cannot_be_stored(tmp_path: Path) -> None:
    """A disk with no room is what is blamed for what cannot be received."""
    box, bob, disk = Box(), Pen(), Limited(tmp_path)
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        doctor, contact = Doctor(alice), alice.live(server.url)
        disk.fill(alice)
        big = [bob.seal(contact["public_key"], number, padding=900) for number in range(600)]
        box.put(contact["drop_urls"][0], *big)
        doctor.finds("not_stored", "could not be stored: No space left", unhealthy=True)
        doctor.finds("disk_full", "The disk has been full", unhealthy=True)
        assert "server_failing" not in doctor.kinds()
        assert "FAIL  server" not in doctor.doctor()
        disk.make_room(alice)
        alice.hears([*range(600)])
        doctor.is_over("not_stored", "could not be stored: No space left")


def test_a_daemon_that_hangs(tmp_path: Path) -> None:
    """Status and doctor end with a line when the daemon does not answer any more."""
    with Daemon(tmp_path, "alice").up() as alice, pytest.MonkeyPatch.context() as patch:
        for module in ("daemon_checks", "status", "doctor"):
            patch.setattr(sys.modules[f"qabel.cli.{module}"], "TIMEOUT", 0.5)
        alice.process.process.send_signal(signal.SIGSTOP)
        for command in ("status", "doctor"):
            result = call("--data-dir", str(alice.directory), command)
            assert result.exit_status == 3
            assert "did not respond in time" in result.out + result.err
        assert "A process is using the database" in result.out
        alice.process.process.send_signal(signal.SIGCONT)


def test_identities_are_not_kept_apart(tmp_path: Path) -> None:
    """Who gives up isolation is told so everywhere, for as long as the daemon runs."""
    with Daemon(tmp_path, "bot", "--linkable").up() as bot:
        Doctor(bot).finds("linkable", "drop servers can tell which identities belong together")


def test_the_proxy_is_down(tmp_path: Path, server: BadServer) -> None:
    """A proxy that does not run is to blame, and not the server, until it runs."""
    leads_to = {"drop.example": ("127.0.0.1", int(server.url.rpartition(":")[2]))}
    with (
        RecordingProxy(leads_to) as proxy,
        Daemon(tmp_path, "behind", f"--proxy={proxy.url}").up() as behind,
    ):
        behind.live("http://drop.example")
        eventually(lambda: proxy.requests, "a request")
        doctor = Doctor(behind)
        proxy.stop()
        # For a moment, the last failure of the server may quote this as well.
        where = rf"(?<!time: )The proxy at 127.0.0.1:{proxy.number} refused the connection"
        what = rf"{where}(?:\.| \(since)"
        doctor.finds("proxy", what, unhealthy=True)
        with RecordingProxy(proxy.leads_to, port=proxy.number):
            doctor.is_over("proxy", what)


def test_the_proxy_keeps_nothing_apart(tmp_path: Path, server: BadServer) -> None:
    """A proxy that asks for no user name is used, and what that means is said."""
    leads_to = {"drop.example": ("127.0.0.1", int(server.url.rpartition(":")[2]))}
    with (
        RecordingProxy(leads_to, authenticates=False) as proxy,
        Daemon(tmp_path, "behind", f"--proxy={proxy.url}").up() as behind,
    ):
        behind.live("http://drop.example")
        Doctor(behind).finds("proxy_not_isolating", "cannot keep identities apart")
