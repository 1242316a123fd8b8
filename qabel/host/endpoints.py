"""Endpoints to listen on: their descriptions, who can reach them, and private Unix sockets.

Nothing here knows Qabel.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from zope.interface import implementer

from qabel.host.start_errors import StartError

BACKLOG = 1024
"""Connections that may wait to be accepted."""

_DEFAULT_INTERFACES = {"tcp": "", "ssl": "", "tls": "", "tcp6": "::"}
_ENCRYPTED = frozenset({"ssl", "tls"})
_INTERFACE_POSITIONS = {"tcp": 1, "tcp6": 2}


@attrs.frozen
class ListenOn:
    """An endpoint description, parsed as far as needed to tell who can reach the endpoint."""

    description: str
    kind: str
    reachable: bool
    """Whether other hosts may be able to connect; True for every kind that is not known."""
    path: str | None = None
    """The path of a Unix socket."""
    mode: int = 0o600
    loopback: tuple[str, int] | None = None
    """The address and port by which programs of this machine reach it, if it is for them only and
    not encrypted."""

    @property
    def encrypted(self) -> bool:
        """Whether it is certain that others can neither read nor change what is transferred."""
        return self.kind in _ENCRYPTED


def parse_endpoint(description: str) -> ListenOn:
    """Parse a Twisted server endpoint description. Raises StartError.

    A Unix socket gets mode 0600 unless the description has another one.
    """
    positional, named = _arguments(description)
    kind = positional[0].lower()
    if not kind or len(positional) + len(named) < 2:
        raise StartError(
            f"invalid endpoint {description!r}; expected, for example, tcp:PORT:interface=ADDRESS"
        )
    arguments = positional[1:]
    if kind == "unix":
        path = named.get("address") or (arguments[0] if arguments else "")
        mode = named.get("mode") or (arguments[1] if len(arguments) > 1 else "600")
        try:
            return ListenOn(description, kind, False, str(Path(path).absolute()), int(mode, 8))
        except ValueError:
            raise StartError(
                f"invalid endpoint {description!r}: the mode must be an octal number"
            ) from None
    if kind == "systemd":
        return ListenOn(description, kind, named.get("domain", *arguments[:1]) != "UNIX")
    interface = _interface(kind, arguments, named)
    port = named.get("port", *arguments[:1])
    is_plain = interface is not None and kind not in _ENCRYPTED and port and port.isdecimal()
    loopback = (str(interface), int(port)) if is_plain else None
    return ListenOn(description, kind, interface is None, loopback=loopback)


def _interface(kind: str, arguments: Sequence[str], named: Mapping[str, str]) -> str | None:
    """Return the loopback address that an endpoint listens on; None if others may reach it."""
    if kind not in _DEFAULT_INTERFACES:
        return None
    interface = named.get("interface", _DEFAULT_INTERFACES[kind])
    position = _INTERFACE_POSITIONS.get(kind, len(arguments))
    if len(arguments) > position:
        interface = arguments[position]
    if interface.lower() == "localhost":
        return "127.0.0.1"
    try:
        return interface if ip_address(interface).is_loopback else None
    except ValueError:
        return None


def _arguments(description: str) -> tuple[list[str], dict[str, str]]:
    """Split a description as Twisted does: at colons, which a backslash escapes."""
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
    """Describe the loopback addresses of this machine: IPv4 and, where it works, IPv6."""
    descriptions = [f"tcp:{port}:interface=127.0.0.1"]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return descriptions
    return [*descriptions, f"tcp6:{port}:interface=\\:\\:1"]


def open_endpoint(
    reactor: Any, endpoint: "ListenOn | IStreamServerEndpoint"
) -> IStreamServerEndpoint:
    """Return the endpoint for a description, and any other as it is. Raises StartError."""
    if not isinstance(endpoint, ListenOn):
        return endpoint
    if endpoint.path is not None:
        return PrivateSocketEndpoint(reactor, Path(endpoint.path), endpoint.mode)
    description = endpoint.description
    if endpoint.kind in _DEFAULT_INTERFACES and "backlog=" not in description:
        # With Twisted's 50, a thousand clients that connect at the same time wait for seconds.
        description += f":backlog={BACKLOG}"
    try:
        return cast("IStreamServerEndpoint", serverFromString(reactor, description))
    except Exception as error:  # noqa: BLE001 - kinds of endpoints are plugins, with errors of their own
        reason: object = error
        if endpoint.kind == "systemd" and isinstance(error, LookupError):
            reason = "the service manager did not pass this socket"
        raise StartError(f"cannot listen on {endpoint.description}: {reason}") from None


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
            return succeed(self.reactor.listenUNIX(str(self.path), protocolFactory, mode=self.mode))
        except (CannotListenError, OSError):
            return fail()


def _remove_stale_socket(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StartError(f"cannot listen on {path}: the file exists and is not a socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            result = probe.connect_ex(str(path))
    except FileNotFoundError:
        return
    if result != errno.ECONNREFUSED:
        raise StartError(f"cannot listen on {path}: another process is listening there")
    path.unlink(missing_ok=True)


def show_address(address: IAddress) -> str:
    """Return an address as it is written in a URL, and a Unix socket as its path."""
    match address:
        case IPv4Address():
            return f"{address.host}:{address.port}"
        case IPv6Address():
            return f"[{address.host}]:{address.port}"
        case UNIXAddress():
            return os.fsdecode(address.name or b"?")
    return str(address)
