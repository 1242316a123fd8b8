"""``twistd qabel-drop`` as a process of its own: started, killed, stopped, refused."""

import base64
import os
import signal
import socket
import stat
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from qabel.drop.multipart import MultipartParser
from tests.integration.processes import Twistd

A = "/" + "aB3-_" * 8 + "xyz"

LISTEN = "--listen=tcp:0:interface=127.0.0.1"


def drop_server(tmp_path: Path, *options: str, data: str = "data") -> Twistd:
    """Start a drop server on a port that the system chooses."""
    return Twistd(
        tmp_path / "process", "qabel-drop", f"--data-dir={tmp_path / data}", *options or [LISTEN]
    )


def ask(
    port: int,
    method: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    path: str = A,
) -> tuple[HTTPResponse, bytes]:
    """Make one request, and give the answer and its body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def post(port: int, body: bytes, path: str = A) -> int:
    """Post a message, and give the status."""
    return ask(port, "POST", {"Authorization": "Client Qabel"}, body, path)[0].status


def get(port: int, since: str | None = None, path: str = A) -> tuple[list[bytes], str | None]:
    """Get messages, and the value to go on from."""
    headers = {"X-Qabel-New-Since": since} if since else {}
    response, content = ask(port, "GET", headers, path=path)
    if response.status != 200:
        assert response.status in (204, 304)
        return [], since
    parser = MultipartParser(response.headers["Content-Type"])
    bodies = [part.body for part in parser.feed(content)]
    parser.finish()
    return bodies, response.headers["X-Qabel-Latest"]


def test_what_was_taken_survives_a_kill(tmp_path: Path) -> None:
    """A message that got its 200 is there after SIGKILL, and stamps go on from where they were."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        for number in range(20):
            assert post(port, b"%d" % number) == 200
        before, latest = get(port)
        server.kill()
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert get(port) == (before, latest)
        assert before == [b"%d" % number for number in range(20)]
        assert get(port, latest) == ([], latest)
        assert post(port, b"after") == 200
        assert get(port, latest)[0] == [b"after"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_soon(tmp_path: Path, number: signal.Signals) -> None:
    """A signal ends it in under five seconds, with listeners connected, and nothing left behind."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        post(port, b"x")
        idle = socket.create_connection(("127.0.0.1", port))
        ear = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        ear.sendall(
            f"GET {A}/ws HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert ear.recv(1000).startswith(b"HTTP/1.1 101 ")
        began = time.monotonic()
        server.process.send_signal(number)
        server.ended(5)
        assert time.monotonic() - began < 5
        assert ear.recv(1000) == b"\x88\x02\x03\xe9"
        assert idle.recv(1000) == b""
        for connection in (idle, ear):
            connection.close()
    left = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert left == ["drops.reserve", "drops.sqlite", "lock"]
    assert server.errors == ""
    assert "Traceback" not in server.log


def test_nothing_of_a_request_is_logged(tmp_path: Path) -> None:
    """Drop ids and messages are in no log, whether a request is good or bad."""
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        post(port, b"secret")
        get(port)
        ask(port, "PUT")
        with socket.create_connection(("127.0.0.1", port)) as rubbish:
            rubbish.sendall(f"GET {A}/ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".encode())
            rubbish.recv(1000)
            rubbish.sendall(f"{A} \x00\r\n\r\n".encode())
            rubbish.recv(1000)
        server.stop()
        assert "secret" not in server.log
        assert A[1:] not in server.log
        assert f":{port}" in server.log
        assert len(server.log.splitlines()) < 15


def test_a_busy_port_is_one_line(tmp_path: Path) -> None:
    """A port that is in use ends it with one line and status 1; no pid file is left."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        description = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
        with drop_server(tmp_path, f"--listen={description}") as server:
            assert server.ended() == 1
    assert server.errors == (
        f"qabel-drop: cannot listen on {description}: Address already in use; stop the program "
        "that uses it, or choose another port: --port or --listen\n"
    )
    assert "Traceback" not in server.log
    assert "critical] qabel-drop: cannot listen" in server.log
    assert not list((tmp_path / "process").glob("*.pid"))


def test_a_second_one_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    """The directory is for one process; the first goes on."""
    with drop_server(tmp_path) as first:
        port = first.port("qabel-drop")
        with drop_server(tmp_path) as second:
            assert second.ended() == 1
        assert second.errors == (
            f"qabel-drop: the data directory {tmp_path / 'data'} is in use by another process"
            f" (process {first.process.pid})\n"
        )
        assert post(port, b"x") == 200


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--listen=tcp:0"],
            "tcp:0 is reachable from other hosts; use tcp:0:interface=127.0.0.1",
        ),
        (["--frob"], "option --frob not recognized (see --help)"),
        (["--quota=much"], "--quota must be a number greater than 0, not 'much'"),
    ],
)
def test_a_bad_option_is_one_line(tmp_path: Path, options: list[str], line: str) -> None:
    """What is wrong with the command line is said in one line, with status 1."""
    with drop_server(tmp_path, *options) as server:
        assert server.ended() == 1
    assert server.errors.startswith(f"qabel-drop: {line}")
    assert server.errors.count("\n") == 1
    assert server.log == ""


def test_a_file_of_others_is_one_line(tmp_path: Path) -> None:
    """A data directory with a file that is no drop server's is refused, and stays as it is."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "drops.sqlite").write_text("precious")
    with drop_server(tmp_path) as server:
        assert server.ended() == 1
    assert server.errors.startswith(f"qabel-drop: cannot use {data / 'drops.sqlite'}: ")
    assert server.errors.count("\n") == 1
    assert (data / "drops.sqlite").read_text() == "precious"


def test_it_serves_a_unix_socket(tmp_path: Path) -> None:
    """It listens on a private Unix socket too, also where a killed one left its socket."""
    path = tmp_path / "drop.sock"
    for _ in range(2):
        with drop_server(tmp_path, LISTEN, f"--listen=unix:{path}") as server:
            server.wait_for("listens on .*drop.sock")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(f"HEAD {A} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert client.recv(1000).startswith(b"HTTP/1.1 204 ")
