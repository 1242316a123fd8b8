"""A daemon with a proxy, as the proxy and the system see it: nothing goes another way."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.integration.daemons import DRAWN, Daemon, Pen, eventually
from tests.integration.processes import ROOT, Twistd
from tests.integration.system_calls import destinations, end_traced, needs_strace, tracing
from tests.net.recording_proxy import RecordingProxy

ONION = f"{'a' * 56}.onion"
PAGE = ("GET", "/")
"""What a server is asked for new drops."""

SIX = "2606:4700::1111"
SIX_LITERAL = "[2606:4700::2222]"
SERVERS = ["http://drop.example", f"http://[{SIX}]", f"http://{ONION}", "http://nowhere.example"]
QABEL = [sys.executable, "-m", "qabel.cli"]


@pytest.fixture
def drop_port(tmp_path: Path) -> Iterator[int]:
    """Return the port of a running drop server."""
    arguments = (f"--data-dir={tmp_path / 'drops'}", "--listen=tcp:0:interface=127.0.0.1")
    with Twistd(tmp_path / "drop-process", "qabel-drop", *arguments) as running:
        yield running.port("qabel-drop")


@pytest.fixture
def proxy(drop_port: int) -> Iterator[RecordingProxy]:
    """Return a proxy that leads to the drop server, whatever its name."""
    hosts = ("drop.example", SIX, ONION)
    with RecordingProxy(dict.fromkeys(hosts, ("127.0.0.1", drop_port))) as running:
        yield running


class Traced(Daemon):
    """A daemon whose system calls are seen; each start has a trace of its own."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        self.traces: list[Path] = []
        self._folder = folder
        super().__init__(folder, name, *options, push=True)

    def _begin(self) -> Twistd:
        self.traces.append(self._folder / f"{self.name}.{len(self.traces)}.trace")
        self._under = tuple(tracing(self.traces[-1]))
        return super()._begin()

    def end(self) -> None:
        """Kill it, and its tracer."""
        for each in (self._folder / f"{self.name}.log").glob("*.pid"):
            end_traced(each)
        self.process.ended()

    def __exit__(self, *_: object) -> None:
        self.end()
        super().__exit__()

    def went_to(self) -> set[tuple[str, int]]:
        """Return where anything was sent, in all its lives."""
        return set().union(*map(destinations, self.traces))


def set_up(daemon: Daemon) -> None:
    """Give a daemon two identities with push, and a contact on each server."""
    daemon.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.3})
    daemon.api.good("PUT", "/settings", {"key": "privacy.shared_drops", "value": True})
    servers = [{"url": url, "auth": "", "active": True} for url in SERVERS]
    daemon.api.good("PUT", "/synced", {"key": "drop_servers", "value": servers})
    for alias in ("alice", "bob"):
        daemon.api.good("POST", "/identities", {"alias": alias})
    drops = [f"{url}/{'A' * 43}" for url in SERVERS]
    for alias, urls in (("spread", drops[1:]), ("carol", drops[:1])):
        body = {"alias": alias, "public_key": Pen().public, "drop_urls": urls, "identity": 1}
        reply = daemon.api.ask("POST", "/contacts", body)
        assert reply.status == 201, reply


def send(daemon: Daemon, rounds: int = 1) -> None:
    """Send messages to each contact, and wait for what is said of them."""
    bodies = [
        {
            "sender": 1,
            "recipients": [recipient["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": number}},
        }
        for number in range(rounds)
        for recipient in daemon.api.good("GET", "/contacts")
    ]
    with ThreadPoolExecutor(len(bodies)) as pool:
        replies = list(pool.map(lambda body: daemon.api.ask("POST", "/drop", body), bodies))
    assert {each.status for each in replies} <= {201, 202}


def use_everything(daemon: Daemon) -> list[str]:
    """Have a daemon do all that it does with servers; return what the tests of servers found."""
    send(daemon)
    daemon.api.ask("GET", "/drop?since=0", headers={"Cache-Control": "no-cache"})
    tested = [*SERVERS, "https://stranger.example", f"https://{SIX_LITERAL}"]
    found = [daemon.api.good("POST", "/servers/test", {"url": url})["detail"] for url in tested]
    doctor = [*QABEL, "--data-dir", str(daemon.directory), "doctor"]
    subprocess.run(doctor, cwd=ROOT, check=False, capture_output=True, timeout=60)
    return found


def reads(proxy: RecordingProxy) -> int:
    """Return how many requests went through."""
    return len(proxy.requests)


def test_nothing_goes_another_way(tmp_path: Path, proxy: RecordingProxy) -> None:
    """Whatever the daemon does, and if the proxy is down, it connects to the proxy only."""
    needs_strace()
    url = f"--proxy={proxy.url}"
    with Traced(tmp_path, "daemon", url).up() as daemon:
        set_up(daemon)
        eventually(lambda: daemon.status()["push"]["listening"] == 2)
        found = use_everything(daemon)
        assert found[0] == found[1] == found[2] == "A drop server responded."
        unknown = "host unreachable, or unknown host name"
        assert found[3] == f"Could not connect to nowhere.example through the proxy: {unknown}."
        assert {each.kind for each in proxy.asked} == {3, 4}
        proxy.stop()
        refused = f"The proxy at 127.0.0.1:{proxy.number} refused the connection."
        eventually(lambda: refused in daemon.status()["troubles"], daemon.troubles)
        assert set(use_everything(daemon)) == {refused}
        assert daemon.health().status == 503
        daemon.end()
        daemon.again()
        eventually(lambda: refused in daemon.status()["troubles"], daemon.troubles)
        assert set(use_everything(daemon)) == {refused}
        assert "Traceback" not in daemon.process.log
    assert daemon.went_to() == {("127.0.0.1", proxy.number)}


def test_the_trace_sees_what_goes_out(tmp_path: Path, drop_port: int) -> None:
    """Without a proxy, the same trace shows the drop server, and a lookup of a name."""
    needs_strace()
    with Traced(tmp_path, "daemon").up() as daemon:
        found = [
            daemon.api.good("POST", "/servers/test", {"url": url})["ok"]
            for url in (f"http://127.0.0.1:{drop_port}", "http://nowhere.invalid")
        ]
        assert found == [True, False]
    ports = {port for _, port in daemon.went_to()}
    assert {drop_port, 53} <= ports


def test_a_proxy_of_the_settings(tmp_path: Path, proxy: RecordingProxy) -> None:
    """A proxy in the settings is used from the first byte after a start, push included."""
    needs_strace()
    with Traced(tmp_path, "daemon").up() as daemon:
        change = {"privacy": {"proxy": proxy.url}}
        daemon.api.good("PATCH", "/settings", change)
        set_up(daemon)
        eventually(lambda: daemon.status()["push"]["listening"] == 2)
        before = set(proxy.users())
        daemon.end()
        daemon.again()
        eventually(lambda: daemon.status()["push"]["listening"] == 2)
        eventually(lambda: len(set(proxy.users()) - before) >= 4)
        assert daemon.status()["proxy"]["source"] == "settings"
    assert daemon.went_to() == {("127.0.0.1", proxy.number)}


def test_a_change_while_it_runs(tmp_path: Path, proxy: RecordingProxy, drop_port: int) -> None:
    """When the proxy changes, nothing goes on over the old one; the option wins over settings."""
    with (
        Daemon(tmp_path, "daemon", push=True).up() as daemon,
        RecordingProxy(proxy.leads_to) as second,
    ):
        daemon.api.good("PATCH", "/settings", {"privacy": {"proxy": proxy.url}})
        set_up(daemon)
        eventually(lambda: daemon.status()["push"]["listening"] == 2)
        daemon.api.good("PATCH", "/settings", {"privacy": {"proxy": second.url}})
        before = reads(proxy)
        eventually(
            lambda: reads(second) > 5 and daemon.status()["push"]["listening"] == 2, deadline=DRAWN
        )
        assert reads(proxy) == before
        for url in (proxy.url, second.url, "socks5://127.0.0.1:1", second.url):
            daemon.api.good("PATCH", "/settings", {"privacy": {"proxy": url}})
        eventually(lambda: daemon.status()["push"]["listening"] == 2, deadline=DRAWN)
        assert "Traceback" not in daemon.process.log
        daemon.stop()
        with Daemon(tmp_path, "daemon", f"--proxy={proxy.url}").up() as again:
            eventually(lambda: reads(proxy) > before, deadline=DRAWN)
            assert again.status()["proxy"]["source"] == "option"
            again.api.good("PATCH", "/settings", {"privacy": {"proxy": None}})
            before, after = reads(proxy), reads(second)
            eventually(lambda: reads(proxy) > before + 3, deadline=DRAWN)
            assert reads(second) == after


def test_user_names(tmp_path: Path, proxy: RecordingProxy) -> None:
    """Each identity's reading and push, and each posting, has a user name of its own.

    What a server is asked for a new identity has that of its reading.
    """
    with Daemon(tmp_path, "daemon", f"--proxy={proxy.url}", push=True).up() as daemon:
        set_up(daemon)
        eventually(lambda: daemon.status()["push"]["listening"] == 2)
        send(daemon, 3)
        targets = of_users(proxy)
        asking = [each for each in targets.values() if PAGE in each]
        assert len(asking) == 2
        for each in asking:
            each.remove(PAGE)
        assert all(len(each) == 1 for each in targets.values()), targets
        posts = [user for user, [(method, _)] in targets.items() if method == "POST"]
        sent = [asked for asked, head in proxy.requests if head.startswith(b"POST")]
        assert len(posts) == len(sent) >= 4
        gets = sorted(target for each in targets.values() for target in each if target[0] == "GET")
        assert len(gets) == 4
        assert [path.endswith("/ws") for _, path in gets] == [False, True, False, True]
        assert all(each.password not in (None, "", each.user) for each in proxy.asked)
        before = set(proxy.users())
        daemon.stop()
        daemon.again()
        eventually(lambda: len(set(proxy.users()) - before) >= 4)
        again = set(list(of_users(proxy))[len(before) :])
        assert not again & before


def of_users(proxy: RecordingProxy) -> dict[str | None, set[tuple[str, str]]]:
    """Return the method and path of the requests of each user name."""
    found: dict[str | None, set[tuple[str, str]]] = {}
    for asked, head in list(proxy.requests):
        method, path, _ = head.split(b" ", 2)
        found.setdefault(asked.user, set()).add((method.decode(), path.decode()))
    return found


def test_webhooks_go_directly(tmp_path: Path, proxy: RecordingProxy) -> None:
    """A webhook is called directly, with a proxy too."""
    called = threading.Event()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            called.set()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        with Daemon(tmp_path, "daemon", f"--proxy={proxy.url}").up() as daemon:
            url = f"http://127.0.0.1:{hook.server_port}/"
            daemon.api.good("POST", "/webhooks", {"url": url, "kinds": ["settings"]})
            daemon.api.good("PUT", "/settings", {"key": "poll_interval", "value": 9})
            assert called.wait(20)
            assert proxy.asked == []
        hook.shutdown()


def test_proxies_that_isolate_nothing(tmp_path: Path, proxy: RecordingProxy) -> None:
    """Credentials in the URL, and a proxy that asks for none, end isolation, and are reported."""
    url = proxy.url.replace("//", "//me:SeCrEtPaSs@")
    with Daemon(tmp_path, "daemon", f"--proxy={url}").up() as daemon:
        set_up(daemon)
        eventually(lambda: reads(proxy) > 3)
        assert set(proxy.users()) == {"me"}
        assert daemon.status()["proxy"]["isolating"] is False
        assert "its URL has a user name and password" in daemon.troubles()
        proxy.authenticates = False
        daemon.api.good("PATCH", "/settings", {"privacy": {"proxy": None}})
        doctor = subprocess.run(
            [*QABEL, "--data-dir", str(daemon.directory), "doctor"],
            cwd=ROOT,
            check=False,
            capture_output=True,
            timeout=60,
            text=True,
        )
        assert "cannot keep identities apart" in doctor.stdout
        shown = doctor.stdout + daemon.process.log + json.dumps(daemon.status())
        assert "SeCrEtPaSs" not in shown
        daemon.stop()
    with Daemon(tmp_path, "daemon", f"--proxy={proxy.url}").up() as daemon:
        eventually(lambda: daemon.status()["proxy"]["isolating"] is False)
        assert "asks for no user name" in daemon.troubles()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "socks5://me:SeCrEt@127.0.0.1", "socks5://"])
def test_a_proxy_that_is_none(tmp_path: Path, url: str) -> None:
    """A daemon does not start with a proxy that it does not understand, and does not quote it."""
    with Twistd(
        tmp_path / "logs", "qabel-rest", f"--data-dir={tmp_path / 'data'}", f"--proxy={url}"
    ) as failed:
        assert failed.ended() != 0
        assert "--proxy must" in failed.errors + failed.log
        assert "SeCrEt" not in failed.errors + failed.log
