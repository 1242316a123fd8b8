"""Which addresses are public and which are this machine, in whatever form they come."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.net.addresses import (
    is_global,
    is_localhost,
    is_loopback,
    is_onion,
    is_private_host,
    is_private_server,
    parse_host_address,
)

GLOBAL = [
    "8.8.8.8",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2a00:1450::5efe:808:808",
]
NOT_GLOBAL = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind to
    "0.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::1%lo",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:192.168.1.1",
    "::ffff:0:127.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1:7f00:0:100::",
    "64:ff9b:1::808:808",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:0:808:808::f7f7:f7f7",
    "2001:0:7f00:1::f7f7:f7f7",
    "2a00:1450::5efe:7f00:1",
    "2a00:1450::200:5efe:c0a8:101",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::5efe:808:808",
    "2a00:1450::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
    "2001:2::1",
    "2001:20::1",
    "3fff::1",
    "5f00::1",
]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "127.255.255.255", "::1"]
NOT_LOOPBACK = [
    "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind to
    "128.0.0.1",
    "192.168.1.1",
    "::",
    "::1%lo",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::80ff:fffe",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2a00:1450::5efe:7f00:1",
    "fe80::5efe:7f00:1",
    "fe80::1%lo",
]
PRIVATE_SERVERS = [
    "http://localhost",
    "https://LOCALHOST.:8443/drops",
    "https://a.b.localhost",
    "https://localhost.localdomain",
    "https://router",
    "https://printer.local",
    "https://vault.internal",
    "https://nas.home.arpa.",
    "https://127.0.0.1:9697/drops",
    "https://127.0.0.1.",
    "https://127.1",
    "https://0x7f.1",
    "https://0x7F000001",
    "https://2130706433",
    "https://017700000001",
    "https://0300.0250.1",
    "https://10.1",
    "https://0",
    "https://[::1]:1/x",
    "https://[::ffff:10.0.0.1]",
    "https://[64:ff9b::7f00:1]",
    "https://[fe80::1%lo]",
    "https://[fd00::1]",
    "https://192.168.1.1/drops",
    "https://",
    "https://[::1",
]
OTHER_SERVERS = [
    "https://drop.example",
    "http://drop.qabel.de:5000/drops",
    "https://8.8.8.8",
    "https://[2a00:1450:4001:80b::200e]:8443",
    "https://134744072",
    "https://notlocalhost.example",
    "https://localhost.example",
    "https://mylocal.example",
    "https://1.2.3.4.5",
    "https://10.0.0.1.example",
    "https://0x7f.1.example",
    "https://256.256.256.256.example",
    "https://abcdefghijklmnop.onion",
]


@pytest.mark.parametrize("address", GLOBAL)
def test_global(address: str) -> None:
    """Addresses of the public internet are global, also in forms that carry them."""
    assert is_global(ip_address(address))


@pytest.mark.parametrize("address", NOT_GLOBAL)
def test_not_global(address: str) -> None:
    """All other addresses are not global, in whatever form, and neither are old tunnels."""
    assert not is_global(ip_address(address))


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback(address: str) -> None:
    """Loopback addresses are 127.0.0.0/8 and ::1, and are not global."""
    assert is_loopback(ip_address(address))
    assert not is_global(ip_address(address))


@pytest.mark.parametrize("address", NOT_LOOPBACK)
def test_not_loopback(address: str) -> None:
    """An address that carries a loopback address, or means all addresses, is not this machine."""
    assert not is_loopback(ip_address(address))


@given(st.integers(0, 2**128 - 1).map(IPv6Address), st.integers(0, 2**32 - 1).map(IPv4Address))
def test_each_address_has_one_answer(v6: IPv6Address, v4: IPv4Address) -> None:
    """No address is both loopback and global, and mapping an IPv4 address changes nothing."""
    assert not (is_loopback(v6) and is_global(v6))
    assert not (is_loopback(v4) and is_global(v4))
    mapped = IPv6Address(0xFFFF00000000 | int(v4))
    assert is_global(mapped) == is_global(v4)
    assert not is_loopback(mapped)


@pytest.mark.parametrize("url", PRIVATE_SERVERS)
def test_private_servers(url: str) -> None:
    """Local names, and addresses that are not public in any spelling, are known without DNS."""
    assert is_private_server(url)


@pytest.mark.parametrize("url", OTHER_SERVERS)
def test_other_servers(url: str) -> None:
    """Names of the public DNS and public addresses are not private."""
    assert not is_private_server(url)


_numbers = st.integers(0, 2**33).flatmap(
    lambda number: st.sampled_from([str(number), hex(number), f"0{number:o}", f"0X{number:X}"])
)


@given(st.lists(_numbers, min_size=1, max_size=5).map(".".join))
def test_numbers_are_read_as_the_resolver_reads_them(host: str) -> None:
    """An IPv4 address in numbers of any base is the one that inet_aton makes of it."""
    try:
        expected = IPv4Address(socket.inet_aton(host))
    except OSError:
        expected = None
    assert parse_host_address(host) == expected


@given(st.text("0123456789abcdefx._-: %", max_size=20))
def test_anything_can_be_asked(host: str) -> None:
    """No host makes the questions raise."""
    parse_host_address(host)
    is_private_server(f"https://{host}")
    is_private_host(host)
    is_onion(host)
    is_localhost(host)


@pytest.mark.parametrize("host", ["localhost", "LocalHost.", "drop.localhost", "a.b.LOCALHOST"])
def test_localhost(host: str) -> None:
    """These names are this machine's, and nobody needs to be asked for them."""
    assert is_localhost(host)
    assert is_private_host(host)


@pytest.mark.parametrize("host", ["localhost.example", "notlocalhost", "127.0.0.1", ""])
def test_no_localhost(host: str) -> None:
    """These are not names of this machine."""
    assert not is_localhost(host)


def test_onion_services() -> None:
    """An onion service is known by its name, however it is spelled, and is not private."""
    for host in ("abc.onion", "ABC.ONION.", "www.abc.onion"):
        assert is_onion(host)
        assert not is_private_host(host)
    for host in ("onion", "onion.example", "abc.notonion", "1.2.3.4"):
        assert not is_onion(host)
