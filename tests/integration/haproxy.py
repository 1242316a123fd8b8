"""HAProxy with the configuration that the documentation shows, on ports of this test."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.processes import DEADLINE, ROOT
from tests.integration.proxy_ports import put_before
from tests.net.certificates import certificate, names
from tests.net.tls_servers import pem
from tests.ports import free_port, wait_for_port

CONFIGURATION = ROOT / "packaging" / "haproxy" / "qabel-drop.cfg"

PROGRAM = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


class Haproxy:
    """HAProxy in front of two ports, until the end of the ``with`` block.

    Only addresses, the path of the certificate and the number of connections are substituted.

    Args:
        folder: for its files.
        upstreams: the ports that it is in front of.
        tls: whether it uses TLS, as the configuration says, or none.
        balance: how to balance, in place of what the configuration says.

    """

    def __init__(
        self, folder: Path, *upstreams: int, tls: bool = True, balance: str | None = None
    ) -> None:
        self.folder = folder / "haproxy"
        self.folder.mkdir()
        self.port = free_port()
        pair = certificate(names("localhost"))
        key = pair[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self.folder / "drop.example.org.pem"
        file.write_bytes(pem(pair) + key)
        text = put_before(upstreams, CONFIGURATION.read_text())
        text = text.replace("/etc/haproxy", str(self.folder))
        # Each takes two files, of which a test may have fewer than a server of its own.
        text, count = re.subn(r"maxconn \d+", "maxconn 2000", text)
        assert count == 1
        bind = rf"bind 127.0.0.1:{self.port}"
        text, count = re.subn(r"bind :443" if tls else r"bind :443.*", bind, text)
        assert count == 1
        if balance is not None:
            text, count = re.subn(r"balance hash .*\n.*hash-type .*", f"balance {balance}", text)
            assert count == 1
        self.file = self.folder / "haproxy.cfg"
        self.file.write_text(text)

    def run(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the program with its configuration."""
        assert PROGRAM is not None
        return subprocess.Popen(
            [PROGRAM, *arguments, "-f", str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        self._process = self.run("-db")
        wait_for_port(self.port, "HAProxy")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=DEADLINE)
