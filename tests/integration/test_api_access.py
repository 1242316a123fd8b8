"""Who reaches the API of a real daemon: over TLS, with the token's file, beside slow clients."""

import datetime as dt
import http.client
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.client import Api
from tests.integration.processes import Twistd, wait_until


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost, and return the files of its key and of the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    key_file, file = folder / "key.pem", folder / "cert.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key_file, file


def test_tls(tmp_path: Path) -> None:
    """Over TLS, token, Host and Origin are checked too; the API's own origin is an https one."""
    key, cert = certificate(tmp_path)
    data = tmp_path / "data"
    listen = f"--listen=ssl:0:privateKey={key}:certKey={cert}:interface=127.0.0.1"
    with Twistd(tmp_path / "log", "qabel-rest", f"--data-dir={data}", listen) as daemon:
        port = daemon.port("qabel-rest")
        context = ssl.create_default_context(cafile=str(cert))
        api = Api(data)

        def ask(token: str, **headers: str) -> int:
            connection = http.client.HTTPSConnection("localhost", port, context=context)
            headers["Authorization"] = f"Bearer {token}"
            connection.request("GET", "/settings", headers=headers)
            status = connection.getresponse().status
            connection.close()
            return status

        assert ask(api.token) == 200
        assert ask("wrong") == 401
        assert ask(api.token, Host="evil.example") == 403
        assert ask(api.token, Origin=f"https://localhost:{port}") == 200
        assert ask(api.token, Origin=f"http://localhost:{port}") == 403
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert not plain.recv(1000).startswith(b"HTTP")


@pytest.mark.parametrize("option", ["", "--token-group-readable"])
def test_token_mode(tmp_path: Path, option: str) -> None:
    """Only the owner can read the token, or also the group on request; a new one keeps the mode."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    options = ["qabel-rest", f"--data-dir={data}", "--listen=tcp:0:interface=127.0.0.1"]
    wanted = (0o710, 0o640) if option else (0o700, 0o600)
    with Twistd(tmp_path / "log", *options, *filter(None, [option])) as daemon:
        daemon.port("qabel-rest")
        for _ in range(2):
            modes = [each.stat().st_mode & 0o777 for each in (data, data / "api-token")]
            assert tuple(modes) == wanted
            assert (data / "rest.sock").stat().st_mode & 0o777 == 0o600
            assert (data / "qabel.db").stat().st_mode & 0o077 == 0
            assert Api(data).ask("POST", "/tokens/main").status == 204
        token = Api(data).token
        daemon.stop()
    # Started without the option again, it closes the directory, and replaces the token: the group
    # may have read it.
    with Twistd(tmp_path / "log", *options) as daemon:
        daemon.port("qabel-rest")
        assert data.stat().st_mode & 0o777 == 0o700
        assert (Api(data).token == token) is not bool(option)


def test_slow_clients(tmp_path: Path) -> None:
    """With ten times as many slow clients as allowed connections, others are answered at once."""
    data = tmp_path / "data"
    options = ("--listen=tcp:0:interface=127.0.0.1", "--max-connections=100")
    with Twistd(tmp_path / "log", "qabel-rest", f"--data-dir={data}", *options) as daemon:
        port = daemon.port("qabel-rest")
        api = Api(data, port)
        slow = []
        for number in range(1000):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"POST /settings HTTP/1.1\r\nHost: localhost\r\n"[: 1 + number % 40])
            slow.append(client)
            if number % 100 == 99:
                assert api.ask("GET", "/settings", timeout=2).status == 200
        handles = Path(f"/proc/{daemon.process.pid}/fd")
        wait_until(lambda: len(list(handles.iterdir())) < 140 or None, "the connections to end")
        for client in slow:
            client.close()
