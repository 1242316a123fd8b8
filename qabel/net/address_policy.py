"""Whom the daemon may connect to: no stranger's contact card steers it into the local net."""

from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import TypeAlias

from qabel.drop.url import DropURL
from qabel.net.errors import NotAllowed

IPAddress: TypeAlias = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


def embedded_ipv4(address: IPAddress) -> IPAddress:
    """Give the IPv4 address that packets to this IPv6 address would reach, if it carries one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_global(address: IPAddress) -> bool:
    """Tell whether the address is one host of the public internet."""
    address = embedded_ipv4(address)
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def is_loopback(address: IPAddress) -> bool:
    """Tell whether the address is this machine's own."""
    return embedded_ipv4(address).is_loopback


def any_address(_: IPAddress) -> bool:
    """Admit every address: the user chose the server."""
    return True


class AddressPolicy:
    """Which drop servers the user trusts, and what is asked of the others.

    ``allowed_servers`` gives the URLs, in normal form, of the servers that the user configured or
    allowed: these may use http and live at any address. Every other server must use https, and
    may only be connected to at addresses of the public internet.
    """

    def __init__(self, allowed_servers: Callable[[], Collection[str]] = frozenset) -> None:
        self._allowed_servers = allowed_servers

    def trusts(self, url: DropURL) -> bool:
        """Tell whether the drop is on a server that the user chose.

        Raises NotAllowed for one that is not and does not use https.
        """
        if url.server in self._allowed_servers():
            return True
        if not url.server.startswith("https:"):
            raise NotAllowed(
                f"The drop server at {url.host} uses http, which is only for servers in the list"
                " of drop servers: add it there to allow it."
            )
        return False


def private_address_error(host: str) -> NotAllowed:
    """Make the error for an untrusted server that has no public address."""
    return NotAllowed(
        f"The drop server at {host} has a private or local address, which is only for servers in"
        " the list of drop servers: add it there to allow it."
    )
