"""Servers with which traffic is not encrypted on its way."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_ENCRYPTED = (".localhost", ".onion")


def is_unencrypted(server: str) -> bool:
    """Return whether others can see and change the traffic with a server, by its URL alone.

    That is so for http, but for this machine and for onion services, whose network encrypts.
    """
    parts = urlsplit(server)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() != "http" or host == "localhost" or host.endswith(_ENCRYPTED):
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return True
    # An IPv6 address that only carries a loopback address may lead elsewhere.
    return int(address) != 1 if isinstance(address, IPv6Address) else not address.is_loopback
