"""The way to a host: what the proxy is asked for, what goes directly, and what is refused."""

from ipaddress import ip_address

import pytest

from qabel.net.address_policy import any_address
from qabel.net.addresses import is_global
from qabel.net.errors import NotAllowed
from qabel.net.route import (
    LOOPBACK,
    AddressFilter,
    Direct,
    Lookup,
    Route,
    ViaProxy,
    find_route,
    goes_directly,
)

ONION = f"{'a' * 56}.onion"


def route(name: str, allows: AddressFilter = any_address) -> Route | None:
    """Return the way to a host if there is a proxy."""
    return find_route(name, allows, has_proxy=True)


@pytest.mark.parametrize("name", ["drop.example", "localhost", "127.0.0.1", "nas", "8.8.8.8"])
def test_without_proxy(name: str) -> None:
    """Without a proxy, names are looked up, and addresses are checked there."""
    assert find_route(name, is_global, has_proxy=False) == Lookup()


@pytest.mark.parametrize("name", [ONION, ONION.upper(), f"{ONION}.", f"www.{ONION}"])
def test_onion_services(name: str) -> None:
    """An onion service needs a proxy, whoever chose it."""
    with pytest.raises(NotAllowed, match=r"onion service.*proxy"):
        find_route(name, any_address, has_proxy=False)
    assert route(name, is_global) == ViaProxy(name.lower().rstrip("."))


@pytest.mark.parametrize("allows", [any_address, is_global])
def test_names_are_the_proxys(allows: AddressFilter) -> None:
    """A name is passed to the proxy, and nobody else."""
    assert route("drop.example", allows) == ViaProxy("drop.example")


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_are_the_proxys(host: str) -> None:
    """A public address is passed to the proxy as an address."""
    assert route(host, is_global) == ViaProxy(ip_address(host))


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.0.1", "fe80::1", "::ffff:127.0.0.1"])
def test_private_addresses(host: str) -> None:
    """A private address is refused, but to servers that the user chose; the proxy gets it."""
    assert route(host, is_global) is None
    assert route(host) == ViaProxy(ip_address(host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "0x7f000001"])
def test_loopback_addresses(host: str) -> None:
    """A loopback address is connected to directly if the user chose it, and refused otherwise."""
    assert route(host, is_global) is None
    found = route(host)
    assert isinstance(found, Direct)
    assert all(each.is_loopback for each in found.addresses)
    assert goes_directly(host)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "drop.localhost"])
def test_localhost(name: str) -> None:
    """``localhost`` is this machine, without a lookup."""
    assert route(name, is_global) is None
    assert route(name) == Direct(list(LOOPBACK))
    assert goes_directly(name)


@pytest.mark.parametrize("name", ["nas", "printer.local", "x.internal", "router.lan", "10.1"])
def test_names_that_look_private(name: str) -> None:
    """A name of the local network is refused to strangers; of the user's own the proxy gets it."""
    assert route(name, is_global) is None
    assert isinstance(route(name), ViaProxy)
    assert not goes_directly(name)
