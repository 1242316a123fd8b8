"""The daemon, seen from here: requests over its Unix socket or TCP, and what it refuses."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from attrs import field, frozen

from qabel.cli.errors import CommandError, Exit, usage

TIMEOUT = 30.0
"""Seconds that the daemon may be silent."""

STREAM_TIMEOUT = 50.0
"""Seconds that a stream of events may be silent; the daemon says something every 15."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")

_HINTS = {
    401: "give --token-file FILE, or set QABEL_TOKEN",
    403: "use a token that may do this, or the Unix socket in the data directory",
    413: "make it shorter",
    503: "qabel status says more",
}


@frozen
class Answer:
    """What the daemon answered."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)

    value: Any = field(repr=False)
    """The body, read as JSON; None where there is none."""


@frozen
class Target:
    """Where the daemon is: its Unix socket, or a URL."""

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
            raise usage(f"{self.url} is no URL of a daemon", "as http://127.0.0.1:9696")

    @property
    def name(self) -> str:
        """How people call it."""
        return self.url or str(self.socket)

    @property
    def is_local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return self.url is None or urlsplit(self.url).hostname in LOOPBACK

    @property
    def base_path(self) -> str:
        """What goes before the path of each request."""
        return urlsplit(self.url or "").path.rstrip("/")

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """Make a connection, not yet open. No proxy is used, and no redirect followed."""
        if self.url is None:
            return _UnixConnection(str(self.socket), timeout)
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """Asks the daemon. What it refuses is a CommandError, as is a daemon that is not there."""

    def __init__(self, target: Target, token: str | None) -> None:
        self.target = target
        self._token = token

    def get(self, path: str, **query: object) -> Any:
        """Give what is there."""
        return self.ask("GET", path, query=query).value

    def post(self, path: str, body: object = None, **query: object) -> Any:
        """Make or do something; gives the answer."""
        return self.ask("POST", path, body=body, query=query).value

    def post_file(self, path: str, data: bytes, **query: object) -> Any:
        """Hand in a file; gives the answer."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.ask("POST", path, body=data, query=query, headers=headers).value

    def put(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        """Put something in its place; gives the answer."""
        return self.ask("PUT", path, body=body, headers=headers).value

    def delete(self, path: str) -> None:
        """Delete what is there."""
        self.ask("DELETE", path)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """Send a request, and give the whole answer.

        Args:
            method: of HTTP.
            path: of the resource.
            query: its parameters; those that are None are left out.
            body: what goes as JSON; bytes go as they are.
            headers: further ones.
            timeout: seconds of silence.
            accept: statuses that are no error, besides those of success.

        Raises:
            CommandError: the daemon is not there, or refuses.

        """
        with self._open(method, path, query, body, headers, timeout) as connected:
            answer = connected.read()
        if answer.status < 300 or answer.status in accept:
            return answer
        raise refusal(answer)

    def stream(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Open a stream of events; it is the caller's to close. Raises CommandError."""
        connected = self._open("GET", path, query, None, headers, STREAM_TIMEOUT)
        if connected.response.status == 200:
            return connected.response
        with connected:
            raise refusal(connected.read())

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        body: object,
        headers: Mapping[str, str] | None,
        timeout: float,
    ) -> "_Connected":
        connection = self.target.connection(timeout)
        data, all_headers = self._encoded(body, headers)
        target = self.target.base_path + path
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if given:
            target += "?" + urlencode(given, quote_via=quote)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise self._unreachable(error) from None
        try:
            connection.request(method, target, data, all_headers)
            return _Connected(self.target, connection, connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise lost(self.target, error) from None

    def _encoded(
        self, body: object, headers: Mapping[str, str] | None
    ) -> tuple[bytes | None, dict[str, str]]:
        found = {"Connection": "close", "Accept": "application/json, */*;q=0.5"}
        if self._token is not None:
            found["Authorization"] = f"Bearer {self._token}"
        data: bytes | None = None
        if isinstance(body, bytes):
            data = body
        elif body is not None:
            data = json.dumps(body).encode()
            found["Content-Type"] = "application/json"
        return data, {**found, **(headers or {})}

    def _unreachable(self, error: OSError) -> CommandError:
        if isinstance(error, ssl.SSLError):
            return _not_there(f"{self.target.name} offers no safe connection: {error.reason}")
        if self.target.socket is None:
            why = error.strerror or str(error)
            return _not_there(f"no daemon can be reached at {self.target.name}: {why}")
        return _no_socket(self.target.socket, error)


@frozen
class _Connected:
    """A request that was sent, and the head of its answer."""

    target: Target
    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse

    def read(self) -> Answer:
        """Give the whole answer. Raises CommandError if the connection breaks."""
        try:
            body = self.response.read()
        except (OSError, http.client.HTTPException) as error:
            raise lost(self.target, error) from None
        head = self.response
        expected = "application/json" if head.status < 300 else "application/problem+json"
        if head.status in (204, 304) and not body:
            return Answer(head.status, head.headers, body, None)
        try:
            value = json.loads(body)
        except ValueError:
            raise _not_qabel(self.target) from None
        if head.headers.get_content_type() != expected:
            raise _not_qabel(self.target)
        return Answer(head.status, head.headers, body, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.connection.close()


def refusal(answer: Answer) -> CommandError:
    """Make the error that tells what the daemon refused, and why."""
    problem = answer.value
    told = problem if isinstance(problem, dict) else {}
    message = str(told.get("detail") or told.get("title") or f"status {answer.status}")
    faults = told.get("errors")
    if isinstance(faults, list):
        named = [
            f"{each.get('key')}: {each.get('detail')}" for each in faults if isinstance(each, dict)
        ]
        if named:
            message = f"{message.rstrip('.')}: {'; '.join(named)}"
    code = Exit.NOT_FOUND if answer.status == 404 else Exit.REFUSED
    hint = _HINTS.get(answer.status, "")
    return CommandError(message, hint=hint, code=code, status=answer.status, problem=told)


def lost(target: Target, error: Exception) -> CommandError:
    """Make the error that says that the daemon fell silent, or went away, before it answered."""
    if isinstance(error, TimeoutError):
        return _not_there(f"the daemon at {target.name} does not answer")
    if isinstance(error, http.client.BadStatusLine) and not isinstance(
        error, http.client.RemoteDisconnected
    ):
        return _not_qabel(target)
    return _not_there(f"the daemon at {target.name} went away before it had answered")


def _not_there(message: str, hint: str = "qabel doctor says more") -> CommandError:
    return CommandError(message, hint=hint, code=Exit.UNREACHABLE)


def _not_qabel(target: Target) -> CommandError:
    return _not_there(f"what answers at {target.name} is no Qabel daemon", "look at --url")


def _no_socket(path: Path, error: OSError) -> CommandError:
    if isinstance(error, PermissionError):
        return _not_there(f"{path} may not be opened by you", "it belongs to another user")
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        start = f"start one: twistd -n qabel-rest --data-dir {path.parent}"
        return _not_there(
            f"no daemon runs in {path.parent}", f"{start}, or give --data-dir or --url"
        )
    return _not_there(f"{path} cannot be opened: {error.strerror or error}")
