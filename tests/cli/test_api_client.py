"""The client's requests, and its errors for bad responses and unreachable daemons."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from tests.cli.prepared_server import prepared_server

PROBLEM = "application/problem+json"


class Handler(BaseHTTPRequestHandler):
    """Sends the response that the test has set, and records the requests."""

    server: "Server"

    def do_GET(self) -> None:
        """Respond."""
        status, kind, body = self.server.response
        self.server.requests.append((self.path, dict(self.headers)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(HTTPServer):
    """A server with one response, on a loopback port."""

    response: tuple[int, str, bytes] = (200, "application/json", b"{}")

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server in a thread."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def client_of(server: Server, response: tuple[int, str, bytes], path: str = "") -> ApiClient:
    """Set the server's response, and return a client for it."""
    server.response = response
    return ApiClient(DaemonAddress(url=f"http://127.0.0.1:{server.server_port}{path}"), "the-token")


def error_of(client: ApiClient) -> CommandError:
    """Send a request, and return the error."""
    with pytest.raises(CommandError) as caught:
        client.get("/status")
    return caught.value


def test_requests(server: Server) -> None:
    """Path, query and token are sent; parameters that are None are left out."""
    client = client_of(server, (200, "application/json", b'{"a": 1}'), "/below")
    assert client.get("/drop", since="0", identity=None, name="a b&c") == {"a": 1}
    [(path, headers)] = server.requests
    assert path == "/below/drop?since=0&name=a%20b%26c"
    assert headers["Authorization"] == "Bearer the-token"


def test_rejection(server: Server) -> None:
    """A problem document is an error with what the daemon said."""
    error = error_of(client_of(server, (404, PROBLEM, b'{"detail": "Nobody."}')))
    assert (error.message, error.http_status) == ("Nobody.", 404)
    assert error.exit_status == ExitStatus.NOT_FOUND


@pytest.mark.parametrize(
    "response",
    [
        (200, "application/json", b"{"),
        (200, "text/html", b"<h1>Welcome</h1>"),
        (404, "text/html", b"<h1>Not found</h1>"),
        (302, "text/plain", b""),
        (500, "application/problem+json", b"["),
    ],
)
def test_other_servers(server: Server, response: tuple[int, str, bytes]) -> None:
    """A server that is not a daemon is recognized; redirects are not followed."""
    error = error_of(client_of(server, response))
    assert "is not a Qabel daemon" in error.message
    assert error.exit_status == ExitStatus.UNREACHABLE


def test_unreachable(tmp_path: Path) -> None:
    """No socket, a dead socket, and a closed port: exit status 3, and what to do."""
    dead = tmp_path / "rest.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for address in (DaemonAddress(tmp_path / "none"), DaemonAddress(dead), DaemonAddress(url=url)):
        error = error_of(ApiClient(address, None))
        assert error.exit_status == ExitStatus.UNREACHABLE
        assert error.hint


@pytest.mark.parametrize(
    "rubbish", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_cut_off(tmp_path: Path, rubbish: bytes) -> None:
    """A response that is cut off is an error, not a traceback."""
    path = tmp_path / "rest.sock"
    with prepared_server(path, lambda _: rubbish):
        error = error_of(ApiClient(DaemonAddress(path), None))
    assert error.exit_status == ExitStatus.UNREACHABLE
