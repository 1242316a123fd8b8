"""Sockets that the service manager has opened for this process (socket activation).

Nothing here knows Qabel.
"""

import os
import socket
from typing import Any

import attrs
from twisted.internet import unix
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString
from twisted.internet.error import AlreadyListened
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

from qabel.host.start_errors import StartError


@attrs.frozen
class InheritedSocket:
    """A listening socket that this process was started with.

    Args:
        descriptor: its file descriptor.
        family: its address family.
        address: the host and port that it listens on; None for a Unix socket.

    """

    descriptor: int
    family: int
    address: tuple[str, int] | None

    def endpoint(self, reactor: Any) -> IStreamServerEndpoint:
        """Return an endpoint that listens on the socket."""
        if self.address is None:
            return _UnixListener(reactor, self.descriptor)
        endpoint: IStreamServerEndpoint = AdoptedStreamServerEndpoint(
            reactor, self.descriptor, self.family
        )
        return endpoint


@implementer(IStreamServerEndpoint)
@attrs.define(eq=False)
class _UnixListener:
    """Listens on a Unix socket whose file, with its owner and mode, is the service manager's."""

    _reactor: Any
    _descriptor: int
    _is_used: bool = False

    def listen(self, protocolFactory: IProtocolFactory) -> "Deferred[IListeningPort]":  # noqa: N803
        """Listen. Fails with AlreadyListened the second time."""
        if self._is_used:
            return fail(AlreadyListened())
        self._is_used = True
        port = _UnixPort(socket.socket(fileno=self._descriptor), protocolFactory, self._reactor)
        port.startListening()
        return succeed(port)


class _UnixPort(unix.Port):
    """A port of a socket that listens already. Twisted's own would let everybody connect to it."""

    # The service manager still has the socket, and would lose it too.
    _shouldShutdown = False

    def __init__(self, opened: socket.socket, factory: IProtocolFactory, reactor: Any) -> None:
        super().__init__(os.fsencode(opened.getsockname()), factory, reactor=reactor)
        self._opened = opened

    def startListening(self) -> None:
        """Accept connections, and leave the file of the socket as it is."""
        self._opened.setblocking(False)
        self._opened.set_inheritable(False)
        self.factory.doStart()  # type: ignore[union-attr]
        self.socket = self._opened
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.connected = True
        self.numberAccepts = 100
        self.startReading()


def inherited_socket(description: str, *, index: str | None, name: str | None) -> InheritedSocket:
    """Return a socket that the service manager has passed.

    Args:
        description: the description of the endpoint, for errors.
        index: its number among the sockets that were passed, from 0, in decimal.
        name: its name, instead of the number.

    Raises:
        StartError: it was not passed, or nobody can connect to it.

    """
    if (index is None) == (name is None):
        raise StartError(
            f"invalid endpoint {description!r}; expected, for example, systemd:name=NAME with the "
            "FileDescriptorName of the socket unit"
        )
    wanted = f"index={index}" if name is None else f"name={_escape(name)}"
    try:
        # Twisted has read which sockets there are, and removed that from the environment.
        adopted: Any = serverFromString(None, f"systemd:domain=UNIX:{wanted}")
    except (LookupError, ValueError):
        raise StartError(
            f"cannot listen on {description}: the service manager did not pass this socket"
        ) from None
    try:
        return _examine(adopted.fileno)
    except OSError as error:
        raise StartError(f"cannot listen on {description}: {error.strerror}") from None
    except ValueError as error:
        raise StartError(f"cannot listen on {description}: {error}") from None


def _examine(descriptor: int) -> InheritedSocket:
    """Look at a socket, and leave it open. Raises ValueError if nobody can connect to it."""
    found = socket.socket(fileno=descriptor)
    try:
        if found.type != socket.SOCK_STREAM or not found.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            raise ValueError(
                "the socket does not accept connections; its unit needs ListenStream= and Accept=no"
            )
        if found.family == socket.AF_UNIX:
            return InheritedSocket(descriptor, found.family, None)
        if found.family not in (socket.AF_INET, socket.AF_INET6):
            raise ValueError("it is neither a Unix socket nor one of TCP")
        host, port, *_ = found.getsockname()
        return InheritedSocket(descriptor, found.family, (host, port))
    finally:
        found.detach()


def _escape(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\:=" else each for each in text)
