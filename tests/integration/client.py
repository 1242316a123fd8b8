"""An HTTP client of a daemon, as simple as a script's."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from attrs import frozen


@frozen
class Reply:
    """An answer: its status, its headers in lower case, its body: JSON, or else text."""

    status: int
    headers: dict[str, str]
    body: Any


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Api:
    """The REST API of the daemon in a data directory, through its Unix socket, or on a port."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port

    @property
    def socket(self) -> Path:
        """The socket by which it is reached without a port."""
        return self.directory / "rest.sock"

    @property
    def token(self) -> str:
        """The main token."""
        return (self.directory / "api-token").read_text().strip()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 70.0,
    ) -> Reply:
        """Send one request on a connection of its own; OSError if there is no whole answer."""
        sent = dict(headers or {})
        if self.port is None:
            connection: http.client.HTTPConnection = _UnixConnection(self.socket, timeout)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            sent.setdefault("Authorization", f"Bearer {self.token}")
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        headers_got = {name.lower(): value for name, value in answer.getheaders()}
        is_json = text and headers_got.get("content-type", "").endswith("json")
        got = json.loads(text) if is_json else text.decode() or None
        return Reply(answer.status, headers_got, got)

    def good(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that has to succeed, and give the JSON of the answer."""
        reply = self.ask(method, path, body)
        assert reply.status < 300, (method, path, reply.status, reply.body)
        return reply.body

    def meet(self, name: str, drop_server: str) -> Any:
        """Make an identity on a drop server; return the contact file to hand to others.

        Messages are acknowledged without delay.
        """
        self.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
        server = [{"url": drop_server, "auth": "", "active": True}]
        self.good("PUT", "/synced", {"key": "drop_servers", "value": server})
        identity = self.good("POST", "/identities", {"alias": name})
        return self.good("GET", f"/identities/{identity['id']}/contact")

    def say(self, text: str, **more: Any) -> Reply:
        """Send a text to the only contact there is."""
        contact = self.good("GET", "/contacts")[0]
        body = {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": text}, **more},
        }
        return self.ask("POST", "/drop", body)
