"""Where the daemon is: the Unix socket in its data directory, or a URL."""

import http.client
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from qabel.cli.errors import usage_error
from qabel.host.socket_paths import address_of

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@frozen
class DaemonAddress:
    """The Unix socket of a daemon, or its URL."""

    socket: Path | None = None
    url: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.url is None:
            return
        try:
            parts = urlsplit(self.url)
            bad = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        except ValueError:
            bad = True
        if bad or parts.username or parts.query or parts.fragment:
            raise usage_error(f"Invalid daemon URL: {self.url}", "Example: http://127.0.0.1:9696")

    @property
    def name(self) -> str:
        """The address as text for people."""
        return self.url or str(self.socket)

    @property
    def is_local(self) -> bool:
        """Whether requests stay on this machine."""
        return self.url is None or urlsplit(self.url).hostname in LOOPBACK

    @property
    def base_path(self) -> str:
        """The prefix of the path of each request."""
        return urlsplit(self.url or "").path.rstrip("/")

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """Return a connection that is not yet open. It uses no proxy and follows no redirect."""
        if self.socket is not None:
            return _UnixConnection(self.socket, timeout)
        parts = urlsplit(self.url or "")
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.hostname_checks_common_name = False
            return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with address_of(self._path) as address:
            self.sock.connect(address)
