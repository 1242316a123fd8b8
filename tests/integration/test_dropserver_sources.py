"""How often sources may post to a real drop server: directly, and through nginx."""

import contextlib
import socket
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from qabel.dropserver.request import MOST_EACH
from tests.dropserver.test_service import HANDSHAKE
from tests.integration.nginx import PROGRAM, Nginx
from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, A, drop_server, post

THREE = [200, 200, 200, 429, 429]
"""What somebody gets who posts five messages."""


def limited(folder: Path, *options: str) -> Twistd:
    """Start a drop server that takes few messages at once from each source."""
    return drop_server(folder, LISTEN, "--rate=0.05", "--burst=3", *options)


def five(connect: Callable[[], HTTPConnection], address: str, **headers: str) -> list[int]:
    """Post five messages from an address, and return the statuses."""
    found = []
    for _ in range(5):
        connection = connect()
        connection.source_address = (address, 0)
        connection.request("POST", A, b"x", {"Authorization": "Client Qabel", **headers})
        response = connection.getresponse()
        response.read()
        assert response.status != 429 or 1 <= int(response.headers["Retry-After"]) <= 20
        found.append(response.status)
        connection.close()
    return found


def test_each_address_by_itself(tmp_path: Path) -> None:
    """Who posts too much is told to wait; others, and this machine itself, are not."""
    with limited(tmp_path) as server:
        port = server.port("qabel-drop")

        def connect() -> HTTPConnection:
            return HTTPConnection("127.0.0.1", port, timeout=20)

        # What a client claims is not believed.
        assert five(connect, "127.1.0.1", **{"X-Forwarded-For": "192.0.2.1"}) == THREE
        assert five(connect, "127.1.0.2", **{"X-Forwarded-For": "192.0.2.1"}) == THREE
        assert five(connect, "127.0.0.1") == [200] * 5
        assert "127.1." not in server.log
        assert "trust-proxy" not in server.log


@pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")
def test_behind_nginx(tmp_path: Path) -> None:
    """Clients of the documented configuration are told apart, whatever they claim."""
    with (
        limited(tmp_path, "--trust-proxy=127.0.0.1") as server,
        Nginx(tmp_path, "qabel-drop", server.port("qabel-drop")) as nginx,
    ):
        assert five(nginx.connection, "127.1.0.1", **{"X-Forwarded-For": "192.0.2.1"}) == THREE
        assert five(nginx.connection, "127.1.0.2", **{"X-Forwarded-For": "192.0.2.2"}) == THREE
        assert five(nginx.connection, "127.0.0.1") == THREE


def test_half_requests(tmp_path: Path) -> None:
    """Who opens many connections and says nothing loses the oldest of them; others are served."""
    with limited(tmp_path) as server:
        port = server.port("qabel-drop")

        def half(address: str) -> socket.socket:
            made = socket.create_connection(("127.0.0.1", port), 20, (address, 0))
            made.sendall(b"POST " + A.encode() + b" HTTP/1.1\r\nHost: x\r\n")
            return made

        with contextlib.ExitStack() as stack:
            patient = stack.enter_context(half("127.1.0.2"))
            many = [stack.enter_context(half("127.1.0.1")) for _ in range(MOST_EACH + 20)]

            def connect() -> HTTPConnection:
                return HTTPConnection("127.0.0.1", port, timeout=20)

            assert five(connect, "127.1.0.3") == THREE
            assert many[0].recv(1000) == b""
            patient.sendall(b"Authorization: Client Qabel\r\nContent-Length: 1\r\n\r\nx")
            assert patient.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_limits_of_listeners(tmp_path: Path) -> None:
    """Beyond the limits of listeners it is said when to come again, and fetching goes on."""
    limits = ("--max-connections=5", "--max-listeners=3", "--listeners-per-drop=2")
    with drop_server(tmp_path, LISTEN, *limits) as server, contextlib.ExitStack() as stack:
        port = server.port("qabel-drop")

        def listen(drop: str) -> bytes:
            made = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            made.sendall(
                f"GET {drop}/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade"
                "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
                "\r\n\r\n".encode()
            )
            return made.recv(1000)

        other = "/" + "b" * 43
        assert [listen(A)[9:12] for _ in range(3)] == [b"101", b"101", b"503"]
        assert listen(other).startswith(b"HTTP/1.1 101 ")
        refused = listen(other)
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 60\r\n" in refused
        assert post(port, b"x") == 200


def test_connections_of_an_address(tmp_path: Path) -> None:
    """Beyond its limit, an address loses the connections that wait, and no other does."""
    with drop_server(tmp_path, LISTEN, "--connections-per-address=2") as server:
        port = server.port("qabel-drop")
        with contextlib.ExitStack() as stack:

            def connect(address: str) -> socket.socket:
                made = socket.create_connection(("127.0.0.1", port), 20, (address, 0))
                return stack.enter_context(made)

            other, *several = [connect(f"127.1.0.{last}") for last in (2, 1, 1, 1)]
            assert several[0].recv(1000) == b""
            for each in (other, *several[1:]):
                each.sendall(f"HEAD {A} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert each.recv(1000).startswith(b"HTTP/1.1 204 ")


def listen(port: int, address: str, sent: bytes = b"") -> bytes:
    """Listen to a drop from an address, send something, and return what comes until the end."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 5, (address, 0)) as client:
        client.sendall(f"GET {A}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            received = client.recv(4096)
            client.sendall(sent)
            while sent and (data := client.recv(4096)):
                received += data
    return received


def test_who_sends_too_much_may_not_listen_for_a_while(tmp_path: Path) -> None:
    """It is told when it may come again; others listen, and it may still post."""
    with limited(tmp_path) as server:
        port = server.port("qabel-drop")
        assert b" 101 " in listen(port, "127.1.0.1", b"\x89\x80\0\0\0\0" * 1000)
        refused = listen(port, "127.1.0.1")
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert 50 <= int(refused.split(b"Retry-After: ")[1].split(b"\r\n")[0]) <= 60
        assert b" 101 " in listen(port, "127.1.0.2")

        def connect() -> HTTPConnection:
            return HTTPConnection("127.0.0.1", port, timeout=20)

        assert five(connect, "127.1.0.1") == THREE
        assert "127.1." not in server.log
