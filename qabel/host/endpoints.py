"""Endpoints to listen on: their descriptions, and who can reach them.

Nothing here knows Qabel.
"""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IStreamServerEndpoint

from qabel.host.inherited_sockets import InheritedSocket, inherited_socket
from qabel.host.private_sockets import PrivateSocketEndpoint
from qabel.host.socket_paths import PathTooLong, check_socket_path
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
    inherited: InheritedSocket | None = None
    """The socket that the service manager has passed, if it is one."""

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
            absolute = Path(path).absolute()
            check_socket_path(absolute)
            return ListenOn(description, kind, False, str(absolute), int(mode, 8))
        except PathTooLong as error:
            raise StartError(f"cannot listen on {description}: {error.strerror}") from None
        except ValueError:
            raise StartError(
                f"invalid endpoint {description!r}: the mode must be an octal number"
            ) from None
    if kind == "systemd":
        return _inherited(description, arguments, named)
    interface = _interface(kind, arguments, named)
    port = named.get("port", *arguments[:1])
    is_plain = interface is not None and kind not in _ENCRYPTED and port and port.isdecimal()
    loopback = (str(interface), int(port)) if is_plain else None
    return ListenOn(description, kind, interface is None, loopback=loopback)


def _inherited(description: str, arguments: Sequence[str], named: Mapping[str, str]) -> ListenOn:
    """Return the endpoint of a socket that the service manager has passed. Raises StartError.

    Its own address says who can reach it, whatever the description has.
    """
    index = named.get("index") or (arguments[1] if len(arguments) > 1 else None)
    inherited = inherited_socket(description, index=index, name=named.get("name"))
    address = inherited.address
    is_reachable = address is not None and not _is_loopback(address[0])
    loopback = None if address is None or is_reachable else address
    return ListenOn(description, "systemd", is_reachable, loopback=loopback, inherited=inherited)


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
    return interface if _is_loopback(interface) else None


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6) else None
    return (mapped or address).is_loopback


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
    if endpoint.inherited is not None:
        return endpoint.inherited.endpoint(reactor)
    description = endpoint.description
    if endpoint.kind in _DEFAULT_INTERFACES and "backlog=" not in description:
        # With Twisted's 50, a thousand clients that connect at the same time wait for seconds.
        description += f":backlog={BACKLOG}"
    try:
        return cast("IStreamServerEndpoint", serverFromString(reactor, description))
    except Exception as error:  # noqa: BLE001 - kinds of endpoints are plugins, with errors of their own
        raise StartError(f"cannot listen on {endpoint.description}: {error}") from None


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
