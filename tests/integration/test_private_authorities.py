"""Drop servers with certificates of an own authority, and with those that are not right."""

import subprocess
import sys
from pathlib import Path

from tests.integration.daemons import Daemon, eventually
from tests.integration.processes import ROOT
from tests.net.certificates import certificate, names
from tests.net.tls_servers import TlsServer, pem

HERE = names("127.0.0.1")


def command(daemon: Daemon, *arguments: str) -> str:
    """Run the command for a daemon, and return what it writes."""
    done = subprocess.run(
        [sys.executable, "-m", "qabel.cli", "--data-dir", str(daemon.directory), *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    return " ".join((done.stdout + done.stderr).split())


def test_an_own_authority(tmp_path: Path) -> None:
    """SSL_CERT_FILE has the daemon trust it; without, all say why not, in the same words."""
    root = certificate(None, authority=True, common_name="root")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pem(root))
    with TlsServer(tmp_path, certificate(HERE, root)) as server:
        url = f"https://127.0.0.1:{server.port}"
        with Daemon(tmp_path, "trusting", env={"SSL_CERT_FILE": str(ca)}) as daemon:
            tested = daemon.up().api.good("POST", "/servers/test", {"url": url})
            # It speaks TLS, and keeps no messages.
            assert tested["checks"][0] == {
                "name": "read",
                "ok": True,
                "detail": "A new drop can be read",
            }
        with Daemon(tmp_path, "plain") as daemon:
            daemon.up().live(url)
            why = (
                f"The server at 127.0.0.1:{server.port} could not be verified: its certificate is "
                "not signed by an authority that this machine trusts; if you trust the authority, "
                "add its certificate to those of this machine, or to the file SSL_CERT_FILE of the "
                "daemon."
            )
            eventually(lambda: why in daemon.troubles(), daemon.troubles)
            assert why in daemon.api.good("POST", "/servers/test", {"url": url})["detail"]
            eventually(lambda: "Trouble: " in daemon.process.log, lambda: daemon.process.log)
            assert why in daemon.process.log
            for arguments in (["status"], ["doctor"]):
                assert why.rstrip(".") in command(daemon, *arguments)


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    """The daemon does not start with a file that OpenSSL would pass over."""
    with Daemon(tmp_path, "daemon", env={"SSL_CERT_FILE": "/no/such/file"}) as daemon:
        assert daemon.process.ended() == 1
        assert "SSL_CERT_FILE is /no/such/file, which cannot be read" in daemon.process.errors
        assert not daemon.directory.exists()
