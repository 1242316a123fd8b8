"""Which drop servers are trusted."""

import pytest

from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.errors import NotAllowed
from tests.net.servers import DROP_ID


def test_servers_of_own_drops():
    """Servers of own drops may use http, and are not trusted for that."""
    url = DropURL.parse(f"http://drop.example/{DROP_ID}")
    assert not AddressPolicy(frozenset, lambda: {"http://drop.example"}).trusts(url)
    with pytest.raises(NotAllowed):
        AddressPolicy(frozenset, lambda: {"https://drop.example"}).trusts(url)


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


def test_onion_services():
    """Onion services need a proxy; strangers' may then use http, but are not trusted for that."""
    is_there = []
    chosen = f"http://{'c' * 56}.onion"
    policy = AddressPolicy(lambda: {chosen}, has_proxy=lambda: bool(is_there))
    urls = [f"{server}/{DROP_ID}" for server in (chosen, "http://a.onion:81", "https://a.onion/x")]
    for url in urls:
        with pytest.raises(NotAllowed, match="onion service") as raised:
            policy.trusts(DropURL.parse(url))
        assert DROP_ID not in raised.value.detail
    is_there.append(True)
    assert [policy.trusts(DropURL.parse(url)) for url in urls] == [True, False, False]
    with pytest.raises(NotAllowed, match="uses http"):
        policy.trusts(DropURL.parse(f"http://onion.example/{DROP_ID}"))
