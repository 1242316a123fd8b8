"""The address of the daemon: which are valid, and how they are connected to."""

import http.client
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from tests.cli.prepared_server import json_response, prepared_server
from tests.net.certificates import certificate, names


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


@pytest.mark.parametrize("url", ["unix:/run/qabel/rest.sock", "unix:///run/qabel/rest.sock"])
def test_sockets_by_url(url: str) -> None:
    """A Unix socket elsewhere has a URL too, and is not taken for that of the data directory."""
    address = DaemonAddress.from_url(url)
    assert (address.socket, address.base_path) == (Path("/run/qabel/rest.sock"), "")
    assert address.name == "/run/qabel/rest.sock"
    assert not address.is_local


@pytest.mark.parametrize("url", ["unix:", "unix:run/rest.sock", "unix://host/rest.sock"])
def test_invalid_sockets(url: str) -> None:
    """A URL of a socket has an absolute path."""
    with pytest.raises(CommandError, match="unix:"):
        DaemonAddress.from_url(url)


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


@pytest.mark.parametrize(("san", "accepted"), [(names("localhost"), True), (None, False)])
def test_certificates_need_the_name_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    san: x509.SubjectAlternativeName | None,
    accepted: bool,
) -> None:
    """The host must be in the subjectAltName of a certificate; its common name is not enough."""
    authority = certificate(None, common_name="authority", authority=True)
    leaf = certificate(san, authority, common_name="localhost")
    pem = serialization.Encoding.PEM
    (tmp_path / "authority.pem").write_bytes(authority[0].public_bytes(pem))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    (tmp_path / "leaf.pem").write_bytes(
        leaf[0].public_bytes(pem)
        + leaf[1].private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "leaf.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(shake_hands, serving, listening)
        url = f"https://localhost:{listening.getsockname()[1]}"
        connection = DaemonAddress(url=url).connection(7.0)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            assert not accepted
        else:
            assert accepted
        connection.close()
        ended.result()


def shake_hands(context: ssl.SSLContext, listening: socket.socket) -> None:
    """Be the server of one TLS handshake, however it ends."""
    with suppress(OSError):
        context.wrap_socket(listening.accept()[0], server_side=True).close()


def test_connection_to_a_socket(tmp_path: Path) -> None:
    """Over the Unix socket, requests are for localhost: no other name would be accepted."""
    path = tmp_path / "rest.sock"
    with prepared_server(path, lambda _: json_response(5)) as server:
        connection = DaemonAddress(path).connection(10.0)
        connection.request("GET", "/status")
        assert connection.getresponse().read() == b"5"
        connection.close()
    assert "Host: localhost\r\n" in server.requests[0]
