"""The variables that name authorities are checked, as OpenSSL passes over what it cannot read."""

from pathlib import Path

from qabel.net.trusted_authorities import authorities_problem
from tests.net.certificates import certificate
from tests.net.tls_servers import pem


def test_files(tmp_path: Path) -> None:
    """A file has to be there, and to contain a certificate."""
    path = tmp_path / "ca.pem"
    environ = {"SSL_CERT_FILE": str(path)}
    missing = f"SSL_CERT_FILE is {path}, which cannot be read: No such file or directory"
    assert authorities_problem(environ) == missing
    path.write_bytes(b"0\x82binary")
    assert "contains no certificate in PEM format" in str(authorities_problem(environ))
    path.write_bytes(b"# ours\n" + pem(certificate(None)))
    assert authorities_problem(environ) is None


def test_directories(tmp_path: Path) -> None:
    """Each directory of the list has to be there."""
    assert authorities_problem({"SSL_CERT_DIR": str(tmp_path)}) is None
    missing = tmp_path / "none"
    found = authorities_problem({"SSL_CERT_DIR": f"{tmp_path}:{missing}"})
    assert found == f"SSL_CERT_DIR is {missing}, which is no directory that can be read"


def test_nothing_named() -> None:
    """Without the variables, or with empty ones, there is no problem."""
    assert authorities_problem({}) is None
    assert authorities_problem({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}) is None
