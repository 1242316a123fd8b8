"""SOCKS5 as bytes: RFC 1928 and 1929 to the letter, and whatever a hostile proxy may send."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.net.socks5 import Blame, Socks5Client, Socks5Failed, Target

USER, PASSWORD = b"user", b"password"
BOUND = b"\x01\0\0\0\0\0\0"
CONNECTED = b"\x05\0\0" + BOUND
ACCEPTED = b"\x05\x02\x01\0" + CONNECTED

TARGETS = (
    st.ip_addresses() | st.from_regex(r"[a-z0-9.-]{1,255}", fullmatch=True) | st.just("x" * 255)
)
PORTS = st.integers(1, 65535)
BOUNDS = st.one_of(
    st.binary(min_size=4, max_size=4).map(lambda data: b"\x01" + data),
    st.binary(min_size=16, max_size=16).map(lambda data: b"\x04" + data),
    st.binary(max_size=255).map(lambda data: bytes((3, len(data))) + data),
)


def client(target: Target = "drop.example", port: int = 443) -> Socks5Client:
    """Return a client of which the proxy was greeted."""
    made = Socks5Client(target, port, (USER, PASSWORD))
    assert made.greeting == b"\x05\x02\x02\x00"
    return made


def failure(*replies: bytes) -> Socks5Failed:
    """Return how replies of a proxy fail."""
    asking = client()
    with pytest.raises(Socks5Failed) as raised:
        asking.feed(b"".join(replies))
    assert not asking.is_connected
    assert asking.rest == b""
    return raised.value


def test_with_user_name_and_password() -> None:
    """The proxy gets the user name and password, then the name, unresolved."""
    asking = client()
    assert asking.feed(b"\x05\x02") == b"\x01\x04user\x08password"
    assert (asking.is_greeted, asking.is_authenticated) == (True, False)
    assert asking.feed(b"\x01\x00") == b"\x05\x01\x00\x03\x0cdrop.example\x01\xbb"
    assert (asking.is_authenticated, asking.is_connected) == (True, False)
    assert asking.feed(CONNECTED) == b""
    assert asking.is_connected


def test_without_authentication() -> None:
    """A proxy that wants no user name gets none, and that is seen."""
    asking = client(IPv4Address("192.0.2.7"), 80)
    assert asking.feed(b"\x05\x00") == b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50"
    asking.feed(CONNECTED + b"hello")
    assert (asking.is_connected, asking.is_authenticated) == (True, False)
    assert asking.rest == b"hello"


def test_addresses_are_sent_as_addresses() -> None:
    """An IPv6 address is sent as its 16 bytes."""
    sent = client(IPv6Address("2001:db8::1"), 1).feed(b"\x05\x00")
    assert sent == b"\x05\x01\x00\x04" + ip_address("2001:db8::1").packed + b"\x00\x01"


@given(TARGETS, PORTS, BOUNDS, st.binary(max_size=20), st.data())
def test_any_cuts(
    target: Target, port: int, bound: bytes, rest: bytes, data: st.DataObject
) -> None:
    """However the replies are cut, the same is sent, and what follows them is kept."""
    replies = b"\x05\x02\x01\0" + b"\x05\0\0" + bound + b"\x12\x34"
    whole = client(target, port)
    expected = whole.feed(replies + rest)
    asking, sent, left = client(target, port), b"", replies
    while left:
        size = data.draw(st.integers(1, len(left)))
        assert not asking.is_connected
        sent += asking.feed(left[:size])
        left = left[size:]
    assert asking.is_connected
    assert sent == expected
    assert whole.rest == rest
    assert expected.endswith(port.to_bytes(2, "big"))


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_garbage(chunks: list[bytes]) -> None:
    """Whatever arrives, the client goes on, fails with a reason, or is connected."""
    asking, failed = client(), None
    for each in chunks:
        try:
            asking.feed(each)
        except Socks5Failed as error:
            failed = error
        if asking.is_connected or failed is not None:
            break
    assert failed is None or (failed.detail and not asking.is_connected)


@pytest.mark.parametrize("code", range(1, 256))
def test_failures(code: int) -> None:
    """Each code is a failure with a reason, known as soon as it is there."""
    failed = failure(b"\x05\x02\x01\0", bytes((5, code)))
    assert failed.detail
    assert not failed.detail.endswith(".")
    if code in (2, 3, 4, 5, 6, 8) or 0xF0 <= code <= 0xF7:
        assert failed.blame is Blame.SERVER
    else:
        assert failed.blame is (Blame.PROXY if code == 7 else Blame.UNKNOWN)


@pytest.mark.parametrize(
    ("replies", "detail"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak SOCKS5"),
        (b"\x04", "does not speak SOCKS5"),
        (b"\x05\xff", "wants another kind of authentication than user name and password"),
        (b"\x05\x01", "chose an authentication method that was not offered"),
        (b"\x05\x02\x01\x01", "rejected the user name and password"),
        (b"\x05\x02\x01\xff", "rejected the user name and password"),
        (b"\x05\x00\x04", "sent an invalid reply"),
        (b"\x05\x00\x05\x00\x00\x02\x00", "sent an invalid reply"),
        (b"\x05\x00\x05\x07", "does not support outgoing connections"),
        (b"\x05\x00\x05\x63", "failed to connect, with code 99"),
    ],
)
def test_what_a_proxy_does_wrong(replies: bytes, detail: str) -> None:
    """What is wrong with a proxy is said."""
    assert failure(replies).detail == detail


def test_names_that_are_too_long() -> None:
    """A name that does not fit into a request is not sent."""
    for name in ("", "x" * 256):
        with pytest.raises(Socks5Failed, match="255"):
            _ = Socks5Client(name, 80, (USER, PASSWORD)).greeting


def test_secrets_are_not_shown() -> None:
    """The password is in no text of the client."""
    assert "password" not in repr(client())
