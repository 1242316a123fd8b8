"""Which addresses the daemon may connect to."""

from ipaddress import ip_address

import pytest

from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy, is_global, is_loopback
from qabel.net.errors import NotAllowed
from tests.net.servers import DROP_ID

GLOBAL = [
    "8.8.8.8",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
NOT_GLOBAL = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind to
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.1.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", GLOBAL)
def test_global(address):
    """Addresses of the public internet are global, also in IPv6 transition formats."""
    assert is_global(ip_address(address))


@pytest.mark.parametrize("address", NOT_GLOBAL)
def test_not_global(address):
    """All other addresses are not global, in whatever format."""
    assert not is_global(ip_address(address))


def test_loopback():
    """Loopback addresses are recognized in every format."""
    assert [is_loopback(ip_address(each)) for each in ("127.0.0.1", "::1", "::ffff:127.9.9.9")] == [
        True,
        True,
        True,
    ]
    assert not is_loopback(ip_address("192.168.1.1"))


def test_servers():
    """Configured servers may use any URL; all others must use https."""
    allowed = {"http://localhost:5000/drops"}
    policy = AddressPolicy(lambda: allowed)
    chosen = DropURL.parse(f"http://localhost:5000/drops/{DROP_ID}")
    beside = DropURL.parse(f"http://localhost:5000/{DROP_ID}")
    assert policy.trusts(chosen)
    assert not policy.trusts(DropURL.parse(f"https://drop.example/{DROP_ID}"))
    with pytest.raises(NotAllowed, match="Add it to the list") as raised:
        policy.trusts(beside)
    assert DROP_ID not in raised.value.detail
    allowed.add("http://localhost:5000")
    assert policy.trusts(beside)
    assert not AddressPolicy().trusts(DropURL.parse(f"https://drop.example/{DROP_ID}"))
