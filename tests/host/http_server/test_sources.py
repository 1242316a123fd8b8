"""Sources: what counts as one, and whose word is taken for where a request comes from."""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from qabel.host.http_server.sources import (
    LOCAL,
    ONION,
    InvalidProxy,
    Proxies,
    Sources,
    network_of,
    parse_address,
)


def peer(host: str) -> Any:
    """Return the address of a peer, as Twisted has it."""
    kind: Any = IPv6Address if ":" in host else IPv4Address
    return kind("TCP", host, 1234)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:100::1", "2001:db8:0:1ff::2", True),
        ("2001:db8:0:100::1", "2001:db8:0:200::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("127.1.0.1", "127.1.0.2", False),
    ],
)
def test_what_counts_as_one(one: str, other: str, is_same: bool) -> None:
    """Each IPv4 address is a source, and each /56 of IPv6."""
    sources = Sources()
    first, second = (sources.of(peer(each), []) for each in (one, other))
    assert LOCAL not in (first, second)
    assert (first == second) is is_same


@pytest.mark.parametrize(
    "here", [peer("127.0.0.1"), peer("::1"), peer("::ffff:127.0.0.1"), UNIXAddress(None)]
)
def test_this_machine_is_no_source(here: Any) -> None:
    """Without proxies it is not limited, whatever the header says."""
    assert Sources().of(here, ["192.0.2.1"]) == LOCAL
    assert Sources(Proxies.parse(["10.0.0.1", "unix"])).of(here, []) != LOCAL


@pytest.mark.parametrize(
    ("nearest", "forwarded", "counts"),
    [
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        # What the client has written itself stands in front.
        ("127.0.0.1", ["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["198.51.100.9", "192.0.2.1"], "192.0.2.1"),
        # Another proxy on the way, which is trusted as well.
        ("127.0.0.1", ["192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("127.0.0.1", ["[2001:db8::1]:80"], "2001:db8::1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        # Who is no proxy is not believed.
        ("203.0.113.5", ["192.0.2.1"], "203.0.113.5"),
    ],
)
def test_behind_a_proxy(nearest: str, forwarded: list[str], counts: str) -> None:
    """The nearest address that is no proxy's counts, and what is in front of it does not."""
    sources = Sources(Proxies.parse(["127.0.0.1", "10.0.0.0/8"]))
    assert sources.of(peer(nearest), forwarded) == Sources(Proxies.parse(["unix"])).of(
        peer(counts), []
    )


def test_behind_a_unix_socket() -> None:
    """A Unix socket may be a proxy's, and only then its header is read."""
    trusting = Sources(Proxies.parse(["unix"]))
    assert trusting.of(UNIXAddress(None), ["192.0.2.1"]) == bytes((192, 0, 2, 1))
    assert trusting.of(UNIXAddress(None), []) == b"socket"
    assert trusting.of(peer("127.0.0.1"), ["192.0.2.1"]) == bytes((127, 0, 0, 1))


def test_no_proxy() -> None:
    """What is no address is refused."""
    assert not Proxies.parse([])
    for text in ("", "proxy.example", "10.0.0.1/8", "10.0.0.0/33"):
        with pytest.raises(InvalidProxy):
            Proxies.parse([text])


@pytest.mark.parametrize("text", ["", "unknown", "[", "1.2.3", "_hidden", "1.2.3.4.5", "::g"])
def test_no_address(text: str) -> None:
    """What stands in a header may be anything."""
    assert parse_address(text) is None


def test_connections() -> None:
    """Those of a proxy are of many clients, and those of this machine are not limited."""
    sources = Sources(Proxies.parse(["192.0.2.1"]))
    for each in (peer("192.0.2.1"), peer("127.0.0.1"), UNIXAddress(None), None):
        assert sources.of_connection(each) is None
    assert sources.of_connection(peer("192.0.2.2")) == bytes((192, 0, 2, 2))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:100::1", "2001:db8:1ff:ff00::1", True),
        ("2001:db8:100::1", "2001:db8:200::1", False),
        ("127.1.0.1", "127.1.0.2", True),
    ],
)
def test_networks(one: str, other: str, is_same: bool) -> None:
    """A /24 of IPv4 is a network, and a /40 of IPv6."""
    first, second = (network_of(Sources().of(peer(each), [])) for each in (one, other))
    assert (first == second) is is_same


def test_behind_tor() -> None:
    """What comes from this machine comes through Tor, but for what a proxy brings."""
    tor = Sources(is_behind_tor=True)
    for here in (peer("127.0.0.1"), peer("::1"), UNIXAddress(None)):
        assert tor.of(here, ["192.0.2.1"]) == ONION
    assert tor.of(peer("192.0.2.1"), []) == bytes((192, 0, 2, 1))
    both = Sources(Proxies.parse(["127.0.0.1"]), is_behind_tor=True)
    assert both.of(peer("127.0.0.1"), ["192.0.2.1"]) == bytes((192, 0, 2, 1))
    assert both.of(peer("127.0.0.1"), []) == ONION
