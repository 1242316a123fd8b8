"""nginx with the configurations that the documentation shows, on ports of this test."""

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.client import Reply
from tests.integration.processes import DEADLINE, ROOT
from tests.integration.proxy_ports import put_before
from tests.net.certificates import certificate, names
from tests.net.tls_servers import pem
from tests.ports import free_port, wait_for_port

CONFIGURATIONS = ROOT / "packaging" / "nginx"

PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

_MAIN = """
{user}daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/main.log notice;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/access.log;
    include {folder}/site.conf;
}}
"""


def _user() -> str:
    """Return what keeps a worker the user of the test, who may read its directory."""
    return "user root;\n" if os.geteuid() == 0 else ""


class Nginx:
    """nginx in front of one or more ports, until the end of the ``with`` block.

    Only addresses and the paths of certificates and logs are substituted in the configuration.

    Args:
        folder: for its files.
        name: of the configuration.
        upstreams: the ports that it is in front of.
        tls: whether it uses TLS, as the configuration says, or none.
        without: a pattern of lines to leave out.

    """

    def __init__(
        self, folder: Path, name: str, *upstreams: int, tls: bool = True, without: str = ""
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        root = certificate(None, authority=True, common_name="root")
        self.authority = self.folder / "ca.pem"
        self.authority.write_bytes(pem(root))
        pair = certificate(
            names("localhost", *(f"{each}.example.org" for each in ("drop", "api", "block"))), root
        )
        key = pair[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "privkey.pem").write_bytes(key)
        (self.folder / "fullchain.pem").write_bytes(pem(pair))
        self.main = self.folder / "nginx.conf"
        self.main.write_text(_MAIN.format(folder=self.folder, user=_user()))
        (self.folder / "site.conf").write_text(self._substituted(name, upstreams, tls, without))

    def _substituted(self, name: str, upstreams: Sequence[int], tls: bool, without: str) -> str:
        text = put_before(upstreams, (CONFIGURATIONS / f"{name}.conf").read_text())
        kind = " ssl" if tls else ""
        for pattern, new in (
            (r"listen 443 ssl;", f"listen 127.0.0.1:{self.port}{kind};"),
            (r"listen \[::\]:443 ssl;", f"listen [::1]:{self.port}{kind};"),
            (r"/etc/letsencrypt/live/[a-z.]+", str(self.folder)),
            (r"/var/log/nginx", str(self.folder)),
            *([(without, "")] if without else []),
        ):
            text, count = re.subn(pattern, new, text)
            assert count or "log" in pattern, pattern
        return text

    def run(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the program with its configuration."""
        assert PROGRAM is not None
        return subprocess.Popen(
            [PROGRAM, "-p", str(self.folder), "-c", str(self.main), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        self._process = self.run()
        wait_for_port(self.port, "nginx")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=DEADLINE)

    def connection(self, timeout: float = 30.0) -> http.client.HTTPSConnection:
        """Return a connection that trusts the certificate."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send a request through it."""
        connection = self.connection()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = text and "json" in found.get("content-type", "")
        value: Any = json.loads(text) if is_json else text.decode("latin-1")
        return Reply(response.status, found, value)

    def files(self) -> bytes:
        """Return all that it has written into its directory, logs and parts of messages."""
        time.sleep(0.1)
        return b"".join(each.read_bytes() for each in self.folder.rglob("*") if each.is_file())
