"""Private Unix sockets, also with paths that are too long for the address of a socket.

Nothing here knows Qabel.
"""

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import tcp, unix
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from qabel.host.socket_paths import address_of
from qabel.host.start_errors import StartError


@implementer(IStreamServerEndpoint)
@attrs.define(eq=False)
class PrivateSocketEndpoint:
    """A Unix socket with a mode of its own; it replaces one that a dead process left behind."""

    reactor: Any
    path: Path
    mode: int = 0o600

    def listen(self, protocolFactory: IProtocolFactory) -> "Deferred[IListeningPort]":  # noqa: N803
        """Listen. Fails with StartError if a running process already does."""
        try:
            _remove_stale_socket(self.path)
        except (StartError, OSError):
            return fail()
        # Twisted sets the mode after binding and before listening: until then nobody can connect.
        try:
            with address_of(self.path) as address:
                port = SocketPort(
                    os.fsencode(address), protocolFactory, mode=self.mode, reactor=self.reactor
                )
                port.path = self.path
                port.startListening()
        except (CannotListenError, OSError):
            return fail()
        return succeed(port)


class SocketPort(unix.Port):
    """The port of a Unix socket, by its real path, which may be too long for an address."""

    path: Path

    def getHost(self) -> UNIXAddress:
        """Return the real path as an address."""
        return UNIXAddress(str(self.path))

    def connectionLost(self, reason: Failure) -> None:
        """Remove the file, whether or not something else has, and close the socket."""
        with suppress(OSError):
            self.path.unlink()
        tcp.Port.connectionLost(self, reason)


def _remove_stale_socket(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StartError(f"cannot listen on {path}: the file exists and is not a socket")
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe,
            address_of(path) as address,
        ):
            probe.setblocking(False)
            result = probe.connect_ex(address)
    except FileNotFoundError:
        return
    if result != errno.ECONNREFUSED:
        raise StartError(f"cannot listen on {path}: another process is listening there")
    path.unlink(missing_ok=True)
