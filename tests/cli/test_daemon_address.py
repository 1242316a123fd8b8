"""The address of the daemon: which are valid, and how they are connected to."""

import http.client
from pathlib import Path

import pytest

from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from tests.cli.prepared_server import json_response, prepared_server


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x", "localhost:9696", "http://", "http://a:b@c", "http://a:99999", "http://a:0",
        "http://[::1", "http://a?b", "http://a#b", "",
    ],
)  # fmt: skip
def test_invalid_urls(url: str) -> None:
    """An invalid URL is a usage error before anything is sent."""
    with pytest.raises(CommandError) as caught:
        DaemonAddress(url=url)
    assert caught.value.exit_status == ExitStatus.USAGE


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://localhost:9696", True),
        ("http://LOCALHOST", True),
        ("http://127.0.0.1:1", True),
        ("https://[::1]:9696/below", True),
        ("http://192.0.2.1", False),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_local_urls(url: str, is_local: bool) -> None:
    """Only loopback addresses and localhost itself are on this machine."""
    assert DaemonAddress(url=url).is_local is is_local


def test_names(tmp_path: Path) -> None:
    """People see the path of the socket or the URL; a socket is on this machine."""
    assert DaemonAddress(tmp_path / "rest.sock").name == str(tmp_path / "rest.sock")
    assert DaemonAddress(tmp_path / "rest.sock").is_local
    assert DaemonAddress(url="http://box.example/").name == "http://box.example/"


@pytest.mark.parametrize(
    ("url", "base_path"),
    [("http://a", ""), ("http://a/", ""), ("http://a/b/c/", "/b/c")],
)
def test_base_path(url: str, base_path: str) -> None:
    """The path of the URL is put before that of each request, without a slash at its end."""
    assert DaemonAddress(url=url).base_path == base_path


@pytest.mark.parametrize(
    ("url", "kind", "host", "port"),
    [
        ("http://box.example", http.client.HTTPConnection, "box.example", 80),
        ("https://box.example", http.client.HTTPSConnection, "box.example", 443),
        ("http://[::1]:9696/a", http.client.HTTPConnection, "::1", 9696),
    ],
)
def test_connections_to_urls(
    url: str, kind: type[http.client.HTTPConnection], host: str, port: int
) -> None:
    """A connection goes to the host and port of the URL, with TLS for https only."""
    connection = DaemonAddress(url=url).connection(7.0)
    assert type(connection) is kind
    assert (connection.host, connection.port, connection.timeout) == (host, port, 7.0)


def test_connection_to_a_socket(tmp_path: Path) -> None:
    """Over the Unix socket, requests are for localhost: no other name would be accepted."""
    path = tmp_path / "rest.sock"
    with prepared_server(path, lambda _: json_response(5)) as server:
        connection = DaemonAddress(path).connection(10.0)
        connection.request("GET", "/status")
        assert connection.getresponse().read() == b"5"
        connection.close()
    assert "Host: localhost\r\n" in server.requests[0]
