"""The way to a host: directly, or through the proxy, which then resolves its name."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

import attrs

from qabel.net.addresses import (
    IPAddress,
    is_localhost,
    is_loopback,
    is_onion,
    is_private_host,
    parse_host_address,
)
from qabel.net.errors import DropServerError, NotAllowed
from qabel.net.socks5 import Target

AddressFilter: TypeAlias = Callable[[IPAddress], bool]
"""Returns whether an address may be connected to."""

AddressError: TypeAlias = Callable[[str], DropServerError]
"""Makes the error for a host, given as ``host:port``, that has no allowed address."""

LOOPBACK: Sequence[IPAddress] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


@attrs.frozen
class Lookup:
    """Resolve the name, and connect directly to one of its addresses that are allowed."""


@attrs.frozen
class Direct:
    """Connect directly, to one of these addresses."""

    addresses: Sequence[IPAddress]


@attrs.frozen
class ViaProxy:
    """Ask the proxy for a connection."""

    target: Target


Route: TypeAlias = Lookup | Direct | ViaProxy


def find_route(name: str, allows: AddressFilter, *, has_proxy: bool) -> Route | None:
    """Return the way to a host; None if it has no allowed address.

    With a proxy, only loopback addresses are connected to directly, and no name is looked up here.
    What the address of a name is, only the proxy knows: so names that look private need a filter
    that allows private addresses. Raises NotAllowed for an onion service if there is no proxy.

    Args:
        name: a name, or an address without brackets.
        allows: which addresses may be connected to.
        has_proxy: whether there is a proxy.

    """
    name = name.lower().rstrip(".")
    if not has_proxy:
        if is_onion(name):
            raise onion_error(name)
        return Lookup()
    address = parse_host_address(name)
    if address is not None or is_localhost(name):
        allowed = [each for each in (LOOPBACK if address is None else [address]) if allows(each)]
        if not allowed:
            return None
        if address is None or is_loopback(address):
            return Direct(allowed)
        return ViaProxy(address)
    if is_private_host(name) and not all(map(allows, LOOPBACK)):
        return None
    return ViaProxy(name)


def goes_directly(name: str) -> bool:
    """Return whether a host is connected to directly, if at all, even if there is a proxy."""
    address = parse_host_address(name.rstrip("."))
    return is_localhost(name) if address is None else is_loopback(address)


def onion_error(host: str) -> NotAllowed:
    """Return the error for an onion service if there is no proxy."""
    return NotAllowed(
        f"{host} is an onion service, which can only be reached through a proxy such as Tor: see"
        " --proxy and privacy.proxy."
    )
