"""TLS servers that are not as they should be: real ones, each in a thread of its own."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.net.certificates import Pair

ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

Configure = Callable[[ssl.SSLContext], object]


class TlsServer:
    """Answers each request on a loopback port with 204, until the end of the ``with`` block.

    Args:
        folder: for the files of its certificate.
        pair: the certificate and its key; None for a server without TLS.
        configure: changes the TLS settings.

    """

    def __init__(
        self,
        folder: Path,
        pair: Pair | None,
        *chain: Pair,
        configure: Configure = lambda _: None,
        host: str = "127.0.0.1",
    ) -> None:
        self._context: ssl.SSLContext | None = None
        if pair is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(_write(folder, pair, *chain))
            configure(self._context)
        self._listening = socket.create_server((host, 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            with suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            if self._context is None:
                self._read_and_reply(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as secure:
                self._read_and_reply(secure)

    def _read_and_reply(self, connection: socket.socket) -> None:
        if connection.recv(65536):
            connection.sendall(ANSWER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(15)


def pem(*pairs: Pair) -> bytes:
    """Return certificates as a PEM file."""
    return b"".join(each[0].public_bytes(Encoding.PEM) for each in pairs)


def _write(folder: Path, pair: Pair, *chain: Pair) -> Path:
    path = folder / f"{pair[0].serial_number}.pem"
    key = pair[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + pem(pair, *chain))
    return path
