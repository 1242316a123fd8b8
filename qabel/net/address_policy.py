"""Which addresses the daemon may connect to.

Contact cards come from strangers: none of them may direct the daemon into the local network.
"""

from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import TypeAlias

import attrs

from qabel.drop.url import DropURL
from qabel.net.errors import NotAllowed

IPAddress: TypeAlias = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


def embedded_ipv4(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 transition address leads to, or the address itself.

    Known are NAT64 (RFC 6052), IPv4-mapped (RFC 4291), 6to4 (RFC 3056) and Teredo (RFC 4380).
    """
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_global(address: IPAddress) -> bool:
    """Return whether the address belongs to a single host of the public internet."""
    address = embedded_ipv4(address)
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def is_loopback(address: IPAddress) -> bool:
    """Return whether the address is a loopback address of this machine."""
    return embedded_ipv4(address).is_loopback


def any_address(_: IPAddress) -> bool:
    """Accept every address, as for servers that the user chose."""
    return True


@attrs.frozen(eq=False)
class AddressPolicy:
    """Decides which drop servers are trusted.

    ``allowed_servers`` returns the URLs, in normal form, of the servers that the user configured or
    allowed. These may use http and have any address. Every other server must use https, and only
    its addresses in the public internet may be connected to.
    """

    _allowed_servers: Callable[[], Collection[str]] = frozenset

    def trusts(self, url: DropURL) -> bool:
        """Return whether the drop is on a server that the user chose.

        Raises NotAllowed for any other server that does not use https.
        """
        if url.server in self._allowed_servers():
            return True
        if not url.server.startswith("https:"):
            raise NotAllowed(
                f"The drop server at {url.host} uses http, which is allowed only for servers in"
                " the list of drop servers. Add it to the list to allow it."
            )
        return False


def private_address_error(host: str) -> NotAllowed:
    """Return the error for an untrusted server at ``host`` that has no public address."""
    return NotAllowed(
        f"The drop server at {host} has a private or local address, which is allowed only for"
        " servers in the list of drop servers. Add it to the list to allow it."
    )
