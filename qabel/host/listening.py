"""Where a daemon listens: endpoint descriptions, who can reach them, and listening on them."""

import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.application.service import Service
from twisted.internet import tcp, unix
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    fail,
    gatherResults,
    maybeDeferred,
)
from twisted.internet.defer import succeed as succeeded
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from qabel.host.start_errors import StartError, fail_start

_log = Logger()

BACKLOG = 1024
"""Connections that may wait to be accepted."""

_DEFAULT_INTERFACES = {"tcp": "", "ssl": "", "tls": "", "tcp6": "::"}
_ENCRYPTED = frozenset({"ssl", "tls"})
_INTERFACE_POSITIONS = {"tcp": 1, "tcp6": 2}


@attrs.frozen
class ListenOn:
    """An endpoint description, taken apart as far as is needed to tell who can reach it."""

    description: str
    kind: str
    reachable: bool
    """Whether other hosts may be able to connect; so for every kind that is not known."""
    path: str | None = None
    """Where a Unix socket is."""
    mode: int = 0o600

    @property
    def encrypted(self) -> bool:
        """Whether it is known that others cannot read what goes over it, or change it."""
        return self.kind in _ENCRYPTED


def parse_endpoint(description: str) -> ListenOn:
    """Read a Twisted server endpoint description; raises StartError if it cannot be one.

    A Unix socket gets mode 0600 unless the description says another one.
    """
    positional, named = _arguments(description)
    kind = positional[0].lower()
    if not kind or len(positional) + len(named) < 2:
        raise StartError(f"{description!r} is no endpoint, as tcp:PORT:interface=ADDRESS is")
    arguments = positional[1:]
    if kind == "unix":
        path = named.get("address") or (arguments[0] if arguments else "")
        mode = named.get("mode") or (arguments[1] if len(arguments) > 1 else "600")
        try:
            return ListenOn(description, kind, False, str(Path(path).absolute()), int(mode, 8))
        except ValueError:
            raise StartError(f"{description}: a mode is an octal number") from None
    if kind == "systemd":
        return ListenOn(description, kind, named.get("domain", *arguments[:1]) != "UNIX")
    return ListenOn(description, kind, _is_reachable(kind, arguments, named))


def _is_reachable(kind: str, arguments: Sequence[str], named: Mapping[str, str]) -> bool:
    if kind not in _DEFAULT_INTERFACES:
        return True
    interface = named.get("interface", _DEFAULT_INTERFACES[kind])
    place = _INTERFACE_POSITIONS.get(kind, len(arguments))
    if len(arguments) > place:
        interface = arguments[place]
    if interface.lower() == "localhost":
        return False
    try:
        return not ip_address(interface).is_loopback
    except ValueError:
        return True


def _arguments(description: str) -> tuple[list[str], dict[str, str]]:
    """Split a description as Twisted does: at colons, with backslashes to protect them."""
    positional: list[str] = []
    named: dict[str, str] = {}
    for name, value in _fields(description):
        if value is None:
            positional.append(name)
        else:
            named[name] = value
    return positional or [""], named


def _fields(description: str) -> Iterator[tuple[str, str | None]]:
    name: str | None = None
    text = ""
    characters = iter(description)
    for character in characters:
        if character == "\\":
            text += next(characters, "")
        elif character == "=" and name is None:
            name, text = text, ""
        elif character == ":":
            yield (text, None) if name is None else (name, text)
            name, text = None, ""
        else:
            text += character
    yield (text, None) if name is None else (name, text)


def loopback_endpoints(port: int) -> list[str]:
    """Describe the loopback addresses that this machine has, IPv4 and, where it works, IPv6."""
    descriptions = [f"tcp:{port}:interface=127.0.0.1"]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return descriptions
    return [*descriptions, f"tcp6:{port}:interface=\\:\\:1"]


@implementer(IStreamServerEndpoint)
@attrs.define(eq=False)
class PrivateSocketEndpoint:
    """A Unix socket with a mode of its own, in place of one that a dead process left behind."""

    reactor: Any
    path: Path
    mode: int = 0o600

    def listen(self, protocolFactory: IProtocolFactory) -> "Deferred[IListeningPort]":  # noqa: N803
        """Listen; fails with StartError if a living process does already."""
        try:
            _remove_stale_socket(self.path)
        except (StartError, OSError):
            return fail()
        # Twisted sets the mode after binding and before listening: until then nobody can connect.
        try:
            return succeeded(
                self.reactor.listenUNIX(str(self.path), protocolFactory, mode=self.mode)
            )
        except (CannotListenError, OSError):
            return fail()


def _remove_stale_socket(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StartError(f"cannot listen on {path}: there is a file that is no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            outcome = probe.connect_ex(str(path))
    except FileNotFoundError:
        return
    if outcome != errno.ECONNREFUSED:
        raise StartError(f"cannot listen on {path}: another process does")
    path.unlink(missing_ok=True)


class Listening(Service):
    """Listens on endpoints with one factory. What keeps it from that is a StartError.

    It is raised by starting where that is known at once, as it is for a busy port. Where it shows
    later, with the reactor running, `fail_start` ends the process. ``name`` is for the log.
    """

    def __init__(
        self,
        reactor: Any,
        places: "Sequence[ListenOn | IStreamServerEndpoint]",
        factory: IProtocolFactory,
        *,
        name: str,
    ) -> None:
        self.addresses: list[IAddress] = []
        """Where it listens, in the order of the endpoints: a port 0 is a real one here."""
        self._reactor = reactor
        self._places = places
        self._factory = factory
        self._name = name
        self._attempts: list[Deferred[IListeningPort]] = []
        self._ports: list[IListeningPort] = []
        self._waiting: list[Deferred[list[IAddress]]] = []
        self._is_listening = False

    def when_listening(self) -> "Deferred[list[IAddress]]":
        """Give the addresses as soon as it listens on all of them, or the StartError."""
        if self._is_listening:
            return succeeded(list(self.addresses))
        waiting: Deferred[list[IAddress]] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def privilegedStartService(self) -> None:
        """Begin to listen, before any privileges are dropped; raises StartError."""
        super().privilegedStartService()
        if self._attempts:
            return
        failed: list[StartError] = []
        starting = True
        for place in self._places:
            attempt = maybeDeferred(self._listen, place)
            attempt.addErrback(_as_start_error, place)
            attempt.addCallback(self._opened)
            self._attempts.append(attempt)

        def give_up(first: Failure) -> None:
            failure = cast("FirstError", first.value).subFailure
            if failure.check(CancelledError):
                return
            self._answer(failure)
            if starting:
                failed.append(cast("StartError", failure.value))
            else:
                fail_start(f"{self._name}: {failure.getErrorMessage()}", self._reactor)

        everything = gatherResults(self._attempts, consumeErrors=True)
        everything.addCallback(self._listens)
        everything.addErrback(give_up)
        starting = False
        if failed:
            self._close()
            raise failed[0] from None

    def startService(self) -> None:
        """Begin to listen, if that was not done while there were privileges; raises StartError."""
        self.privilegedStartService()
        super().startService()

    def stopService(self) -> "Deferred[None]":
        """Listen no more; fires when all ports are closed."""
        super().stopService()
        return self._close()

    def _listen(self, place: "ListenOn | IStreamServerEndpoint") -> "Deferred[IListeningPort]":
        listening = open_endpoint(self._reactor, place).listen(self._factory)
        if isinstance(place, ListenOn) and place.kind == "systemd":
            listening.addCallback(_leave_file)
        return listening

    def _opened(self, port: IListeningPort) -> IListeningPort:
        self._ports.append(port)
        return port

    def _listens(self, ports: list[IListeningPort]) -> None:
        self._is_listening = True
        self.addresses = [port.getHost() for port in ports]
        for address in self.addresses:
            _log.info("{name} listens on {where}", name=self._name, where=show_address(address))
        self._answer(list(self.addresses))

    def _answer(self, result: "list[IAddress] | Failure") -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(result)

    def _close(self) -> "Deferred[None]":
        attempts, self._attempts = self._attempts, []
        ports, self._ports = self._ports, []
        self.addresses = []
        self._is_listening = False
        for attempt in attempts:
            attempt.cancel()
        closed = gatherResults([maybeDeferred(port.stopListening) for port in ports])
        return closed.addCallback(lambda _: None)


def open_endpoint(reactor: Any, place: "ListenOn | IStreamServerEndpoint") -> IStreamServerEndpoint:
    """Make the endpoint that a description stands for; raises StartError."""
    if not isinstance(place, ListenOn):
        return place
    if place.path is not None:
        return PrivateSocketEndpoint(reactor, Path(place.path), place.mode)
    description = place.description
    if place.kind in _DEFAULT_INTERFACES and "backlog=" not in description:
        # Twisted's 50 has a thousand clients that connect at the same time wait for seconds.
        description += f":backlog={BACKLOG}"
    try:
        return cast("IStreamServerEndpoint", serverFromString(reactor, description))
    except Exception as error:  # noqa: BLE001 - kinds of endpoints are plugins, with errors of their own
        if place.kind == "systemd" and isinstance(error, LookupError):
            error = LookupError("no service manager handed it over")
        raise StartError(f"{place.description} is no endpoint to listen on: {error}") from None


def _leave_file(port: IListeningPort) -> IListeningPort:
    """Have a port not remove its file at the end: it is the service manager's, which keeps it."""
    if isinstance(port, unix.Port):
        port.connectionLost = partial(tcp.Port.connectionLost, port)  # type: ignore[method-assign]
    return port


def show_address(address: IAddress) -> str:
    """Write an address as it would stand in a URL, a Unix socket as its path."""
    match address:
        case IPv4Address():
            return f"{address.host}:{address.port}"
        case IPv6Address():
            return f"[{address.host}]:{address.port}"
        case UNIXAddress():
            return os.fsdecode(address.name or b"?")
    return str(address)


def _as_start_error(failure: Failure, place: "ListenOn | IStreamServerEndpoint") -> Failure:
    if failure.check(StartError, CancelledError):
        return failure
    error = failure.value
    reason = getattr(error, "socketError", error)
    why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    where = place.description if isinstance(place, ListenOn) else "the given endpoint"
    return Failure(StartError(f"cannot listen on {where}: {why}"))
