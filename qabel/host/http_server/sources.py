"""Where a request comes from, as far as a server that knows nobody can tell: its network address.

What one user can easily have many of counts as one: an IPv6 address as its /56, which is what
providers give to a home.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from attrs import field, frozen
from twisted.internet.address import UNIXAddress

from qabel.host.start_errors import StartError

Source = bytes
"""A source, as a key of dictionaries; it says nothing to people."""

Network = bytes
"""The network of a source: an IPv4 /24, or an IPv6 /40."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix"
"""Stands for everything that comes through a Unix socket."""

LOCAL: Source = b""
"""This machine itself, which is not limited."""

ONION: Source = b"onion"
"""All who come through Tor: nothing tells them apart."""

OLD: Source = b"old"
"""All who left what is older than the process: it is forgotten who they are."""

_SOCKET: Source = b"socket"
"""What a proxy brings through a Unix socket without saying where from."""

SHARED = frozenset((LOCAL, ONION, _SOCKET))
"""Sources behind which there may be anybody."""

_IPV4_BYTES = 4

_IPV6_BYTES = 7
"""Of an IPv6 address: a /56."""

_NETWORK_BYTES = {_IPV4_BYTES: 3, _IPV6_BYTES: 5}

_OWN = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
"""This machine itself. The rest of 127.0.0.0/8 counts like any network."""


class InvalidProxy(ValueError):
    """It is no address of a proxy."""


@lru_cache(1024)
def parse_address(text: str) -> Address | None:
    """Return an address, as it stands in headers: with a port or in brackets, too; or None."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


@frozen
class Proxies:
    """The reverse proxies whose ``X-Forwarded-For`` is believed."""

    networks: Sequence[_Network] = ()
    is_unix: bool = False
    """Whether what comes through a Unix socket comes from a proxy."""

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Proxies":
        """Return the proxies that ``--trust-proxy`` names: ADDRESS, ADDRESS/BITS or ``unix``.

        Raises InvalidProxy, with what is wrong.
        """
        networks, is_unix = [], False
        for text in texts:
            if text == UNIX:
                is_unix = True
                continue
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError as error:
                raise InvalidProxy(str(error)) from None
        return cls(networks, is_unix)

    @classmethod
    def chosen(cls, texts: Iterable[str]) -> "Proxies":
        """Do the same for a command line. Raises StartError."""
        try:
            return cls.parse(texts)
        except InvalidProxy as error:
            raise StartError(
                f"--trust-proxy must be an address, a network or unix: {error}"
            ) from None

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.networks) or self.is_unix

    def trusts(self, address: Address | None) -> bool:
        """Return whether an address is a proxy's; None stands for a Unix socket."""
        if address is None:
            return self.is_unix
        return any(address in each for each in self.networks)


def network_of(source: Source) -> Network:
    """Return the network of a source; what is no address is one by itself."""
    return source[: _NETWORK_BYTES.get(len(source), len(source))]


@frozen
class Sources:
    """Tells sources apart.

    Args:
        proxies: whose headers are believed. Without any, this machine itself is no source.
        is_behind_tor: whether what comes from this machine itself comes through Tor.

    """

    proxies: Proxies = field(factory=Proxies)
    is_behind_tor: bool = False

    def of(self, peer: object, forwarded: Sequence[str]) -> Source:
        """Return the source of a request; LOCAL for this machine itself, which is not limited.

        Args:
            peer: the address of who is connected, as Twisted has it.
            forwarded: the values of ``X-Forwarded-For``, in the order of the headers.

        """
        nearest = _address_of(peer)
        # Whoever is farther away can write what they like in front: the rightmost one counts.
        hops = [hop for value in forwarded for hop in value.split(",")]
        while self.proxies.trusts(nearest) and hops:
            farther = parse_address(hops.pop())
            if farther is None:
                break
            nearest = farther
        if nearest is not None and nearest not in _OWN:
            return _source(nearest)
        if self.is_behind_tor:
            return ONION
        if not self.proxies:
            return LOCAL
        return _SOCKET if nearest is None else _source(nearest)

    def of_connection(self, peer: object) -> Source | None:
        """Return the source of a connection; None for this machine itself, and for proxies."""
        nearest = _address_of(peer)
        if nearest is None or nearest in _OWN or self.proxies.trusts(nearest):
            return None
        return _source(nearest)


def _address_of(peer: object) -> Address | None:
    """Return the address of a peer; None for a Unix socket."""
    return None if isinstance(peer, UNIXAddress) else parse_address(getattr(peer, "host", ""))


def _source(address: Address) -> Source:
    return address.packed[: _IPV4_BYTES if address.version == 4 else _IPV6_BYTES]
