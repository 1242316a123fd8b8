"""Where the daemon is: the Unix socket in its data directory, or a URL."""

import http.client
import socket
import ssl
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen

from qabel.cli.errors import usage_error
from qabel.host.socket_paths import address_of

LOOPBACK = ("localhost", "127.0.0.1", "::1")


UNIX = "unix:"
"""Begins the URL of a Unix socket, before its path."""


@frozen
class DaemonAddress:
    """The Unix socket of a daemon, or its URL, which may be that of a Unix socket elsewhere."""

    socket: Path | None = None
    url: str | None = None
    is_given: bool = False
    """Whether the socket is one that the user has named, and not that of the data directory."""

    def __attrs_post_init__(self) -> None:
        if self.url is None:
            return
        try:
            parts = urlsplit(self.url)
            bad = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        except ValueError:
            bad = True
        if bad or parts.username or parts.query or parts.fragment:
            hint = "Examples: http://127.0.0.1:9696, unix:/run/qabel/rest.sock"
            raise usage_error(f"Invalid daemon URL: {self.url}", hint)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the address for a URL. Raises CommandError."""
        path = url.removeprefix(UNIX)
        if path == url:
            return cls(url=url)
        # unix:///run/… is how some other programs write it.
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path.startswith("/") or path.startswith("//"):
            raise usage_error(f"Invalid daemon URL: {url}", "Example: unix:/run/qabel/rest.sock")
        return cls(socket=Path(path), is_given=True)

    @property
    def name(self) -> str:
        """The address as text for people."""
        return self.url or str(self.socket)

    @property
    def is_local(self) -> bool:
        """Whether it is, as far as can be told, the daemon of the data directory."""
        if self.url is None:
            return not self.is_given
        return urlsplit(self.url).hostname in LOOPBACK

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
        if not hasattr(socket, "AF_UNIX"):
            raise usage_error("This system has no Unix sockets", "Pass --url http://localhost:9696")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with address_of(self._path) as address:
            self.sock.connect(address)
