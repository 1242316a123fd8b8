"""A server on a Unix socket that sends prepared responses to the real client."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer

Respond = Callable[[str], bytes]
"""Returns what is sent in response to the target of a request, in bytes, before the end."""


class _Handler(StreamRequestHandler):
    server: "PreparedServer"

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
        self.server.requests.append(head)
        # A body that nobody has read would break the connection.
        length = re.search(r"(?i)^content-length: (\d+)", head, re.MULTILINE)
        self.rfile.read(0 if length is None else int(length[1]))
        self.wfile.write(self.server.respond(head.split(" ")[1]))


class PreparedServer(UnixStreamServer):
    """Sends what a function returns, one request a connection, and keeps the requests' heads."""

    def __init__(self, path: Path, respond: Respond) -> None:
        super().__init__(str(path), _Handler)
        self.respond = respond
        self.requests: list[str] = []

    @property
    def targets(self) -> list[str]:
        """The targets of all requests, in order."""
        return [head.split(" ")[1] for head in self.requests]


@contextmanager
def prepared_server(path: Path, respond: Respond) -> Iterator[PreparedServer]:
    """Run a server in a thread."""
    with PreparedServer(path, respond) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def response(status: int, kind: str, body: bytes) -> bytes:
    """Return a whole response."""
    head = (
        f"HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def json_response(value: object) -> bytes:
    """Return a response with a value as JSON."""
    return response(200, "application/json", json.dumps(value).encode())


def problem_response(status: int, **members: object) -> bytes:
    """Return the response for a request that is rejected."""
    return response(status, "application/problem+json", json.dumps(members).encode())
