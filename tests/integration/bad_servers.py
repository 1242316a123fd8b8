"""Drop servers on real sockets, in threads, that misbehave as a test wants: well or badly.

What a server does with a request is its ``behave``, a function that can be exchanged while it
runs. `Box.serve` is a good drop server; the others are all that can go wrong.
"""

import contextlib
import gzip
import math
import os
import select
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from attrs import define, field, frozen

BOUNDARY = "b0b0"
DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
END = f"\r\n--{BOUNDARY}--\r\n".encode()


@frozen
class Request:
    """What came: headers with names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@define(eq=False)
class Peer:
    """The other side of one connection."""

    socket: socket.socket
    server: "BadServer"

    def say(self, *pieces: bytes | str) -> None:
        """Send something; what nobody reads any more is lost."""
        for piece in pieces:
            self.socket.sendall(piece.encode() if isinstance(piece, str) else piece)

    def answer(self, status: str, *headers: str, body: bytes = b"") -> None:
        """Send an answer that the end of the connection ends, as the deployed server does."""
        self.say("\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")), body)

    def answer_parts(self, bodies: Iterable[bytes], *headers: str) -> None:
        """Send messages."""
        self.begin_parts(*headers)
        for each in bodies:
            self.say(part(each))
        self.say(END.removeprefix(b"\r\n"))

    def begin_parts(self, *headers: str) -> None:
        """Send the head of an answer with messages."""
        self.answer("200 OK", f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"', *headers)

    def wait(self, seconds: float = math.inf) -> bool:
        """Do nothing for a while; tells whether the server or the other side ended meanwhile."""
        over, ends = self.server.over, time.monotonic() + seconds
        while not over.wait(min(0.02, max(0.0, ends - time.monotonic()))):
            if select.select([self.socket], [], [], 0)[0]:
                return True
            if time.monotonic() >= ends:
                return False
        return True

    def reset(self) -> None:
        """Break the connection off in the rudest way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Behaviour = Callable[[Peer, Request], None]


class BadServer:
    """Listens on loopback; each connection has one request, in a thread of its own."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def wake(self) -> None:
        """End all that hang; those that come later may hang again."""
        over, self.over = self.over, threading.Event()
        over.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with contextlib.suppress(OSError), connection:
            request = _read_request(connection)
            if request is not None:
                self.requests.append(request)
                self.behave(Peer(connection, self), request)
        self._open.discard(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing alone would not wake the thread that accepts.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.over.set()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _read_request(connection: socket.socket) -> Request | None:
    with connection.makefile("rb") as file:
        first = file.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = {}
        for line in iter(file.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body)


def part(body: bytes) -> bytes:
    """Write one message of an answer."""
    head = f"--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\nDate: {DATE}\r\n\r\n"
    return head.encode() + body + b"\r\n"


@define
class Box:
    """What is in the drops of a good server."""

    drops: dict[str, list[bytes]] = field(factory=lambda: defaultdict(list))

    def put(self, url: str, *messages: bytes) -> None:
        """Leave messages in a drop."""
        self.drops["/" + url.rsplit("/", 1)[1]] += messages

    def serve(self, peer: Peer, request: Request) -> None:
        """Be a good drop server; its cursor is the number of messages."""
        drop = self.drops[request.path]
        if request.path.endswith("/ws"):
            peer.answer("404 Not Found")
        elif request.method == "POST":
            drop.append(request.body)
            peer.answer("200 OK")
        else:
            since = request.headers.get("x-qabel-new-since", "0")
            newer = drop[int(since) :] if since.isdigit() else list(drop)
            if newer:
                peer.answer_parts(newer, f"X-Qabel-Latest: {len(drop)}")
            else:
                peer.answer("204 No Content")


# Bad behaviour


def hang(peer: Peer, request: Request) -> None:
    """Take the request, and never say a word."""
    peer.wait()


def hang_in_body(peer: Peer, request: Request) -> None:
    """Begin an answer, and fall silent in the middle of it."""
    peer.begin_parts("X-Qabel-Latest: 1")
    peer.say(part(b"x")[:50])
    peer.wait()


def drip(peer: Peer, request: Request) -> None:
    """Answer a byte at a time, without ever falling silent."""
    peer.begin_parts("X-Qabel-Latest: 1")
    for each in part(os.urandom(4096)):
        peer.say(bytes([each]))
        if peer.wait(0.05):
            return


def drip_headers(peer: Peer, request: Request) -> None:
    """Answer with headers that come a byte at a time."""
    peer.say("HTTP/1.1 200 OK\r\nX-Slow: ")
    while not peer.wait(0.05):
        peer.say("x")


def endless_parts(peer: Peer, request: Request) -> None:
    """Send messages that are for nobody, as fast as they are taken."""
    peer.begin_parts("X-Qabel-Latest: 1")
    while not peer.server.over.is_set():
        peer.say(*(part(b"\0" + os.urandom(2148)) for _ in range(20)))


def endless_part(peer: Peer, request: Request) -> None:
    """Send one message that never ends."""
    peer.begin_parts("X-Qabel-Latest: 1")
    peer.say(part(b"")[:-2])
    while not peer.server.over.is_set():
        peer.say(bytes(65536))


def endless_error(peer: Peer, request: Request) -> None:
    """Refuse, and explain why without end."""
    peer.answer("500 Internal Server Error", "Content-Type: text/plain")
    while not peer.server.over.is_set():
        peer.say(b"sorry " * 10_000)


def huge_headers(peer: Peer, request: Request) -> None:
    """Send ten megabytes of headers."""
    peer.say("HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        peer.say(f"X-Header-{number}: {'x' * 1000}\r\n")
    peer.say("\r\n")


def huge_header(peer: Peer, request: Request) -> None:
    """Send ten megabytes in one header."""
    peer.say("HTTP/1.1 200 OK\r\nX-Header: ", "x" * 10_000_000, "\r\n\r\n")


def gzip_bomb(peer: Peer, request: Request) -> None:
    """Send what would unpack to a gigabyte."""
    bomb = gzip.compress(bytes(1 << 24), 9) * 64
    peer.answer(
        "200 OK",
        f"Content-Type: multipart/mixed; boundary={BOUNDARY}",
        "Content-Encoding: gzip",
        f"Content-Length: {len(bomb)}",
        body=bomb,
    )


def torn(peer: Peer, request: Request) -> None:
    """Break off in the middle of the headers."""
    peer.say("HTTP/1.1 200 OK\r\nContent-Ty")


def reset(peer: Peer, request: Request) -> None:
    """Break off in the middle of a message, rudely."""
    peer.begin_parts("X-Qabel-Latest: 1")
    peer.say(part(b"x" * 2149)[:1000])
    peer.reset()


def wrong_length(peer: Peer, request: Request) -> None:
    """Promise more than is sent."""
    peer.answer(
        "200 OK", f"Content-Type: multipart/mixed; boundary={BOUNDARY}", "Content-Length: 9999"
    )


def no_multipart(peer: Peer, request: Request) -> None:
    """Answer with a web page, as captive portals do."""
    peer.answer("200 OK", "Content-Type: text/html", body=b"<html>Please log in</html>")


def wrong_boundary(peer: Peer, request: Request) -> None:
    """Name one boundary, and use another."""
    peer.answer(
        "200 OK",
        'Content-Type: multipart/mixed; boundary="other"',
        "X-Qabel-Latest: 1",
        body=part(b"x" * 2149) + END,
    )


def no_boundary(peer: Peer, request: Request) -> None:
    """Name no boundary at all."""
    peer.answer("200 OK", "Content-Type: multipart/mixed", "X-Qabel-Latest: 1", body=END)


def no_http(peer: Peer, request: Request) -> None:
    """Speak another protocol."""
    peer.say(b"220 mail.example ESMTP\r\n" + os.urandom(1000))


def fails(peer: Peer, request: Request) -> None:
    """Be out of order."""
    peer.answer("500 Internal Server Error", "Content-Type: text/plain", body=b"Traceback: ...")


def redirect_to(url: str) -> Behaviour:
    """Make the behaviour that sends everybody somewhere else."""

    def redirect(peer: Peer, request: Request) -> None:
        peer.answer("302 Found", f"Location: {url}{request.path}", "Content-Length: 0")

    return redirect
