"""Endpoint descriptions: who can reach them, and which texts are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock

from qabel.host.endpoints import ListenOn, loopback_endpoints, parse_endpoint
from qabel.host.start_errors import StartError

REACHABLE = [
    "tcp:9697",
    "tcp:9697:interface=",
    "tcp:9697:interface=0.0.0.0",
    "tcp:9697:192.168.1.2",
    "tcp:port=9697",
    "tcp:9697:interface=example.org",
    "tcp:9697:interface=127.0.0.1.example.org",
    "tcp6:9697",
    "tcp6:9697:interface=\\:\\:",
    "tcp6:9697:50:\\:\\:",
    "ssl:443:privateKey=key.pem",
    "tls:443:cert.pem",
    "tls:443:interface=10.0.0.1",
    "haproxy:tcp:9697:interface=127.0.0.1",
    "onion:80",
]

PRIVATE = [
    "tcp:9697:interface=127.0.0.1",
    "TCP:9697:interface=127.0.0.1",
    "tcp:9697:interface=127.1.2.3",
    "tcp:9697:127.0.0.1",
    "tcp:port=9697:interface=localhost",
    "tcp6:9697:interface=\\:\\:1",
    "ssl:443:privateKey=key.pem:interface=127.0.0.1",
    "unix:/run/x.sock",
    "unix:address=/run/x.sock",
]


@pytest.mark.parametrize("description", REACHABLE)
def test_what_others_can_reach(description: str) -> None:
    """All interfaces, other addresses, names and kinds that are not known can be reached."""
    assert parse_endpoint(description).reachable


@pytest.mark.parametrize("description", PRIVATE)
def test_what_others_cannot_reach(description: str) -> None:
    """Loopback addresses and Unix sockets cannot be reached."""
    assert not parse_endpoint(description).reachable


@pytest.mark.parametrize(
    "description",
    [
        "",
        "9697",
        "tcp",
        ":",
        "unix:/x:mode=rw",
        "unix:/" + "x" * 110,
        "systemd:domain=UNIX:name=web",
    ],
)
def test_invalid_endpoints(description: str) -> None:
    """A text that cannot be a description is a StartError."""
    with pytest.raises(StartError):
        parse_endpoint(description)


@given(st.text(st.sampled_from("tcp6unix:=\\/.1 "), max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is an endpoint or a StartError."""
    try:
        parse_endpoint(text)
    except StartError:
        return


@given(st.from_regex(r"[0-9a-z:.\\]{1,20}", fullmatch=True))
def test_an_interface_is_read_as_twisted_does(interface: str) -> None:
    """Whatever is called private, Twisted would listen on a loopback address for."""
    parsed = parse_endpoint(f"tcp:0:interface={interface}")
    if not parsed.reachable:
        endpoint = serverFromString(MemoryReactorClock(), parsed.description)
        endpoint.listen(Factory())
        assert endpoint._interface == "localhost" or endpoint._interface.startswith("127.")


def test_a_unix_socket_is_private_unless_it_says_otherwise() -> None:
    """The mode is 0600, or the one that the description has."""
    assert parse_endpoint("unix:/x").mode == 0o600
    assert parse_endpoint("unix:/x:mode=660").mode == 0o660


def test_loopback_addresses_are_private() -> None:
    """What is offered for loopback use cannot be reached, and each part can be parsed."""
    parsed = [parse_endpoint(text) for text in loopback_endpoints(9696)]
    assert isinstance(parsed[0], ListenOn)
    assert not any(each.reachable for each in parsed)
