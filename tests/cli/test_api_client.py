"""What the client makes of answers, and of daemons that are not there."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Session
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output

PROBLEM = "application/problem+json"

Serve = Callable[[int, str, bytes], ApiClient]


class Handler(BaseHTTPRequestHandler):
    """Answers every request as the test has said, and keeps what was asked."""

    server: "Server"

    def do_GET(self) -> None:
        """Answer."""
        status, kind, body = self.server.answer
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(HTTPServer):
    """One answer, on a loopback port."""

    answer: tuple[int, str, bytes] = (200, "application/json", b"{}")

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []


@pytest.fixture
def server() -> Iterator[Server]:
    """Have a server run in a thread."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def client_of(server: Server, answer: tuple[int, str, bytes], path: str = "") -> ApiClient:
    """Have the server answer, and give a client of it."""
    server.answer = answer
    return ApiClient(DaemonAddress(url=f"http://127.0.0.1:{server.server_port}{path}"), "the-token")


def refused(client: ApiClient) -> CommandError:
    """Ask for something, and give the error."""
    with pytest.raises(CommandError) as caught:
        client.get("/status")
    return caught.value


def test_requests(server: Server) -> None:
    """Path, query and token go as they should; what is None is left out."""
    client = client_of(server, (200, "application/json", b'{"a": 1}'), "/below")
    assert client.get("/drop", since="0", identity=None, name="a b&c") == {"a": 1}
    [(path, headers)] = server.asked
    assert path == "/below/drop?since=0&name=a%20b%26c"
    assert headers["Authorization"] == "Bearer the-token"


def test_problem_in_one_line(server: Server) -> None:
    """All that is wrong is told, each with its place."""
    faults = [{"key": "a.b", "detail": "must be 1"}, {"key": "c", "detail": "d"}]
    body = json.dumps({"detail": "No.", "errors": faults}).encode()
    error = refused(client_of(server, (400, PROBLEM, body)))
    assert error.message == "No: a.b: must be 1; c: d"
    assert (error.exit_status, error.http_status) == (ExitStatus.FAILURE, 400)


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(404, ExitStatus.NOT_FOUND), (401, ExitStatus.FAILURE), (503, ExitStatus.FAILURE)],
)
def test_statuses(server: Server, status: int, exit_status: ExitStatus) -> None:
    """What is not there has an exit status of its own."""
    assert refused(client_of(server, (status, PROBLEM, b"{}"))).exit_status == exit_status


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", b"{"),
        (200, "text/html", b"<h1>Welcome</h1>"),
        (404, "text/html", b"<h1>Not found</h1>"),
        (302, "text/plain", b""),
        (500, "application/problem+json", b"["),
    ],
)
def test_others_that_answer(server: Server, answer: tuple[int, str, bytes]) -> None:
    """A server that is no daemon is told as such; redirects are not followed."""
    error = refused(client_of(server, answer))
    assert "is not a Qabel daemon" in error.message
    assert error.exit_status == ExitStatus.UNREACHABLE


def test_nobody_there(tmp_path: Path) -> None:
    """No socket, a dead socket, and a port where nobody listens: status 3 and what to do."""
    dead = tmp_path / "rest.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for target in (DaemonAddress(tmp_path / "none"), DaemonAddress(dead), DaemonAddress(url=url)):
        error = refused(ApiClient(target, None))
        assert error.exit_status == ExitStatus.UNREACHABLE
        assert error.hint


@pytest.mark.parametrize(
    "rubbish", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_cut_off(tmp_path: Path, rubbish: bytes) -> None:
    """A daemon that goes away in the middle of an answer is no traceback."""
    path = tmp_path / "rest.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(rubbish)

        thread = threading.Thread(target=answer)
        thread.start()
        assert refused(ApiClient(DaemonAddress(path), None)).exit_status == ExitStatus.UNREACHABLE
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "localhost:9696", "http://", "http://a:b@c", "http://a:99999", "http://a?b", ""],
)
def test_bad_urls(url: str) -> None:
    """What is no URL of a daemon is told before anything is sent."""
    with pytest.raises(CommandError) as caught:
        DaemonAddress(url=url)
    assert caught.value.exit_status == ExitStatus.USAGE


def test_tokens(tmp_path: Path) -> None:
    """The daemon's own token is found for loopback, and goes nowhere else unless it is said."""
    given = {"data_dir": str(tmp_path)}
    (tmp_path / "api-token").write_text("main\n")
    (tmp_path / "other").write_text("other\n")

    def found(**more: str) -> str | None:
        return Session({**given, **more}, Output()).find_token()

    assert found() is None
    assert found(url="http://127.0.0.1:1") == "main"
    assert found(url="https://example.org") is None
    assert found(url="https://example.org", token="named") == "named"
    assert (
        found(url="http://localhost", token="named", token_file=str(tmp_path / "other")) == "other"
    )


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "ümlaut"])
def test_bad_tokens(tmp_path: Path, text: str) -> None:
    """What can be no token is not sent as one, and not shown."""
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        Session({"token_file": str(path)}, Output()).find_token()
    assert not text or text not in caught.value.message
