"""The documented configurations of nginx load and work, before both servers and the API."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.daemons import ANYWHERE, Daemon, eventually
from tests.integration.nginx import CONFIGURATIONS, PROGRAM, Nginx
from tests.integration.processes import DEADLINE, Twistd
from tests.integration.test_blockserver import command as block_command

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


def test_a_block_server(tmp_path: Path) -> None:
    """Files of any size and notices go through it, refusals before a body; it keeps nothing."""
    data = tmp_path / "blocks"
    token = block_command(data, "token", "new", "anna", "--quota", "4M").stdout.strip()
    own = {"Authorization": f"Token {token}"}
    arguments = ["qabel-block", f"--data-dir={data}", f"--listen={ANYWHERE}"]
    with (
        Twistd(tmp_path / "block-server", *arguments) as server,
        Nginx(tmp_path, "qabel-block", server.port("qabel-block")) as nginx,
    ):
        prefix = nginx.ask("POST", "/api/v0/prefix/", headers=own).body["prefix"]
        path, secret = f"/api/v0/files/{prefix}/one", b"Nobody may read this. "
        large = secret * 150_000
        with closing(_listening(nginx, f"/api/v0/websocket/{prefix}", own)) as notices:
            first = nginx.ask("POST", path, large, {**own, "If-None-Match": "*"})
            assert first.status == 204
            assert f"{prefix}/one".encode() in notices.recv(4096)
        assert nginx.ask("POST", path, large, {**own, "If-None-Match": "*"}).status == 412
        for size in (1000, 5 * 2**20):
            refused = nginx.ask("POST", f"{path}-{size}", bytes(size), own)
            assert refused.status == (204 if size == 1000 else 402)
        part = nginx.ask("GET", path, headers={"Range": "bytes=22-43"})
        assert (part.status, part.body) == (206, secret.decode())
        assert nginx.ask("GET", path).body == large.decode()
        assert nginx.ask("HEAD", path).headers["content-length"] == str(len(large))
        server.kill()
        assert nginx.ask("GET", path).status == 502
        kept = nginx.files()
        assert prefix.encode() not in kept
        assert secret not in kept


def _listening(nginx: Nginx, path: str, headers: dict[str, str]) -> ssl.SSLSocket:
    """Return a connection to which changes are told."""
    sent = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "v0.ws.block.qabel.de",
        **headers,
    }
    connection = nginx.connection()
    connection.connect()
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    connection.sock.sendall("\r\n".join([*lines, "", ""]).encode())
    assert connection.sock.recv(4096).startswith(b"HTTP/1.1 101 ")
    return connection.sock


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
