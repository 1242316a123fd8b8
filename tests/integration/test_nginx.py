"""The documented configurations of nginx load and work, before a drop server and the API."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.daemons import ANYWHERE, Daemon, eventually
from tests.integration.nginx import CONFIGURATIONS, PROGRAM, Nginx
from tests.integration.processes import DEADLINE, Twistd

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def drop_server(tmp_path: Path) -> Iterator[Twistd]:
    """Run a drop server."""
    arguments = ["qabel-drop", f"--data-dir={tmp_path / 'drops'}", f"--listen={ANYWHERE}"]
    with Twistd(tmp_path / "drop-server", *arguments) as process:
        yield process


@pytest.mark.parametrize("name", [each.stem for each in sorted(CONFIGURATIONS.glob("*.conf"))])
def test_they_load(tmp_path: Path, name: str) -> None:
    """Nginx accepts the file without a warning."""
    upstreams = [9, 9] if "balanced" in name else [9]
    with Nginx(tmp_path, name, *upstreams).run("-t", "-q") as checking:
        text, _ = checking.communicate(timeout=DEADLINE)
    lines = [each for each in text.splitlines() if "could not open error log file" not in each]
    assert (checking.returncode, lines) == (0, [])


def test_a_drop_server(tmp_path: Path, drop_server: Twistd) -> None:
    """Messages and push go through it with TLS, and it keeps nothing of who reads and writes."""
    with Nginx(tmp_path, "qabel-drop", drop_server.port("qabel-drop")) as nginx:
        url = f"https://localhost:{nginx.port}"
        env = {"SSL_CERT_FILE": str(nginx.authority)}
        with (
            Daemon(tmp_path, "alice", push=True, env=env) as alice,
            Daemon(tmp_path, "bob", push=True, env=env) as bob,
        ):
            alice.up().live(url, interval=2)
            contact = bob.up().live(url, interval=2)
            eventually(lambda: bob.status()["drop_servers"][0]["push"] == "listening")
            alice.knows("Bob", contact["public_key"], *contact["drop_urls"])
            for number in range(5):
                alice.api.say(f"message {number}")
            bob.hears([f"message {number}" for number in range(5)])
            drop = contact["drop_urls"][0].removeprefix(url)
            plain = {"url": f"http://localhost:{nginx.port}"}
            tested = alice.api.good("POST", "/servers/test", plain)
            assert tested["detail"].endswith("expects TLS: use its https URL.")
        too_large = nginx.ask("POST", drop, b"x" * 8000, {"Authorization": "Client Qabel"})
        assert too_large.body == {"error": "Message too large"}
        assert nginx.ask("POST", drop, b"x" * 9000).status == 413
        drop_server.kill()
        assert nginx.ask("GET", drop).status == 502
        # A status that makes senders try again.
        assert nginx.ask("POST", drop, b"x" * 2149).status == 502
        assert drop.strip("/").encode() not in nginx.files()


def test_the_api(tmp_path: Path) -> None:
    """Requests, large bodies and events go through it, for who has a token and the right name."""
    with Daemon(tmp_path, "alice", "--allow-host=localhost") as alice:
        upstream = alice.up().process.port("qabel-rest")
        with Nginx(tmp_path, "qabel-rest", upstream) as nginx:
            token = {"Authorization": f"Bearer {alice.api.token}"}
            assert nginx.ask("GET", "/health?live").status == 200
            assert nginx.ask("GET", "/status").status == 401
            assert nginx.ask("GET", "/status", headers=token).body["status"] == "running"
            other = {**token, "Host": "api.example.org"}
            assert nginx.ask("GET", "/status", headers=other).status == 403
            contacts = json.dumps({"contacts": [{"notes": "x" * 900_000}]}).encode()
            large = {**token, **JSON}
            through = nginx.ask("POST", "/contacts/import", contacts, large)
            direct = alice.api.ask("POST", "/contacts/import", contacts, JSON)
            assert (through.status, through.body) == (direct.status, direct.body)
            assert through.status != 413
            _check_events(alice, nginx, token)
            assert alice.api.token.encode() not in nginx.files()


def _check_events(alice: Daemon, nginx: Nginx, token: dict[str, str]) -> None:
    """Check that an event arrives as soon as it happens, not when a buffer is full."""
    connection = nginx.connection(timeout=10)
    connection.request("GET", "/events?since=0", headers=token)
    response = connection.getresponse()
    assert response.status == 200
    began = time.monotonic()
    alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 77})
    while b"event:" not in (line := response.readline()):
        assert line
    assert time.monotonic() - began < 5
    connection.close()
