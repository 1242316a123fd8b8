"""A SOCKS5 proxy on a real socket, in a thread, that records what it is asked for.

It connects to where the test says that a name or an address leads.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import attrs

Address = tuple[str, int]


@attrs.frozen
class Asked:
    """One connection that the proxy was asked for."""

    host: str
    port: int
    kind: int
    """The type of the address: 1 for IPv4, 3 for a name, 4 for IPv6."""
    user: str | None
    password: str | None = attrs.field(repr=False)


class _Handler(socketserver.BaseRequestHandler):
    server: "RecordingProxy"
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError, EOFError):
            self._negotiate()

    def _negotiate(self) -> None:
        self.server.connections.append(self.request)
        if self.server.answer is not None:
            self.request.recv(1024)
            self.request.sendall(self.server.answer)
            return
        _, count = self._read(2)
        methods = self._read(count)
        user = password = None
        if self.server.authenticates and 2 in methods:
            self.request.sendall(b"\x05\x02")
            user = self._read(self._read(2)[1]).decode()
            password = self._read(self._read(1)[0]).decode()
            self.request.sendall(b"\x01\x00")
        else:
            self.request.sendall(b"\x05\x00")
        _, _, _, kind = self._read(4)
        if kind == 3:
            host = self._read(self._read(1)[0]).decode()
        else:
            host = str(ip_address(self._read(4 if kind == 1 else 16)))
        port = int.from_bytes(self._read(2), "big")
        asked = Asked(host, port, kind, user, password)
        self.server.asked.append(asked)
        self._connect(asked, host, port)

    def _connect(self, asked: Asked, host: str, port: int) -> None:
        target = self.server.leads_to.get(host)
        where = None if target is None else (target[0], target[1] or port)
        code = self.server.code if where is not None else 4
        reply = bytes((5, code, 0, 1)) + bytes(6)
        if code:
            self.request.sendall(reply)
            return
        assert where is not None
        with socket.create_connection(where) as server:
            self.request.sendall(reply)
            back = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
            back.start()
            _copy(self.request, server, lambda data: self.server.note(asked, data))
            back.join()

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.request.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def _copy(
    source: socket.socket, to: socket.socket, note: Callable[[bytes], object] = lambda _: None
) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            note(data)
            to.sendall(data)
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class RecordingProxy(socketserver.ThreadingTCPServer):
    """The proxy; as a context manager it runs meanwhile.

    Args:
        leads_to: where it connects for a host: an address, and a port or 0 for the one asked for.
            Other hosts cannot be reached.
        authenticates: whether it asks for a user name and password.
        port: the port to listen on; 0 for any.

    """

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(
        self,
        leads_to: Mapping[str, Address] | None = None,
        *,
        authenticates: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.leads_to = dict(leads_to or {})
        self.authenticates = authenticates
        self.asked: list[Asked] = []
        self.requests: list[tuple[Asked, bytes]] = []
        """The heads of the requests that went through, as far as they are not encrypted."""
        self.connections: list[socket.socket] = []
        self.answer: bytes | None = None
        """What it answers to anything, if it does not speak SOCKS5."""
        self.code = 0
        """The code that it answers to requests for hosts that it knows."""

    @property
    def number(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its URL."""
        return f"socks5://127.0.0.1:{self.number}"

    def users(self, wanted: Callable[[Asked], bool] = lambda _: True) -> list[str | None]:
        """Return the user names of the connections that it was asked for, in order."""
        return [each.user for each in list(self.asked) if wanted(each)]

    def note(self, asked: Asked, data: bytes) -> None:
        """Note a request."""
        if data.startswith((b"GET ", b"POST ")):
            self.requests.append((asked, data.partition(b"\r\n\r\n")[0]))

    def start(self) -> Self:
        """Begin to accept connections."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening, and close all connections."""
        self.shutdown()
        self.server_close()
        for each in self.connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
