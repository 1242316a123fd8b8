"""IP addresses: whether one is public, or this machine, and what a host's spelling reveals of that.

Two questions that must not be mixed up: an address that *may* lead inside is refused to strangers,
so every form that carries another address is unwrapped (``is_global``). An address that *is* this
machine needs no permission, so nothing is unwrapped (``is_loopback``).
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import urlsplit

IPAddress: TypeAlias = IPv4Address | IPv6Address

# The registries of special-purpose addresses (RFC 6890) grow, and each version of Python knows
# another state of them; so what matters is listed here.
_SPECIAL_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)  # the third quarter of the address

_LOCALHOST = ("localhost", "localdomain")
_PRIVATE_NAMES = (*_LOCALHOST, "local", "internal", "home.arpa", "intranet", "private", "corp",
    "home", "lan")  # fmt: skip
"""RFC 6761, RFC 6762 with its appendix G, RFC 8375, and ICANN's reservation of ``internal``."""


def is_global(address: IPAddress) -> bool:
    """Return whether the address can only belong to a single host of the public internet.

    That is not so if it carries another address that is not public: IPv4-mapped (RFC 4291), NAT64
    (RFC 6052), 6to4 (RFC 3056) and ISATAP (RFC 5214). Teredo, local NAT64 prefixes and the other
    special-purpose addresses are never public.
    """
    if isinstance(address, IPv4Address):
        return not any(address in each for each in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    if address not in _MAPPED and address not in _NAT64:
        special = any(address in each for each in _SPECIAL_V6)
        if special or address not in _UNICAST_V6:
            return False
    return all(map(is_global, _carried(address)))


def is_loopback(address: IPAddress) -> bool:
    """Return whether the address is this machine's loopback address, 127.0.0.0/8 or ::1 itself.

    An address that carries one is none: where it leads is decided elsewhere.
    """
    if isinstance(address, IPv4Address):
        return address.is_loopback
    return int(address) == 1 and address.scope_id is None


def is_private_server(url: str) -> bool:
    """Return whether a server's URL names this machine or a private network by its text alone.

    No name is looked up: True for addresses that are not public, however they are spelled, for
    names without a dot, and for names that are reserved for local use. Also True for a URL without
    a host.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return is_private_host(host)


def is_private_host(host: str) -> bool:
    """Return whether a host, without brackets, is this machine or private by its text alone."""
    host = host.lower().rstrip(".")
    address = parse_host_address(host)
    if address is not None:
        return not is_global(address)
    return "." not in host or host.endswith(tuple(f".{each}" for each in _PRIVATE_NAMES))


def is_localhost(host: str) -> bool:
    """Return whether a host is a name of this machine that needs no lookup (RFC 6761)."""
    host = host.lower().rstrip(".")
    return host == "localhost" or host.endswith(".localhost")


def is_onion(host: str) -> bool:
    """Return whether a host, without its port, is an onion service of Tor (RFC 7686)."""
    return host.lower().rstrip(".").endswith(".onion")


def parse_host_address(host: str) -> IPAddress | None:
    """Return the address that a host is, without brackets, or None if it is a name.

    Understands all spellings that the system's resolver takes for an IPv4 address: fewer than four
    numbers, and octal and hexadecimal ones.
    """
    try:
        return ip_address(host)
    except ValueError:
        return _parse_ipv4_numbers(host.split("."))


def _parse_ipv4_numbers(texts: list[str]) -> IPv4Address | None:
    """Parse an address as inet_aton does: the last number fills all bytes that are left."""
    numbers = list(map(_parse_number, texts))
    *first, last = numbers
    if len(numbers) > 4 or last is None or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for place, number in enumerate(first):
        if number is None or number > 255:
            return None
        value += number << (8 * (3 - place))
    return IPv4Address(value)


def _parse_number(text: str) -> int | None:
    if not text.isascii() or not text.isalnum() or len(text) > 64:
        return None
    digits, base = text.lower(), 10
    if digits.startswith("0x"):
        digits, base = digits[2:] or "0", 16
    elif digits.startswith("0"):
        base = 8
    try:
        return int(digits, base)
    except ValueError:
        return None


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that packets to an IPv6 address may be passed on to."""
    number = int(address)
    tail = IPv4Address(number & 0xFFFFFFFF)
    if address in _MAPPED or address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield tail
    if address in _6TO4:
        yield IPv4Address((number >> 80) & 0xFFFFFFFF)
