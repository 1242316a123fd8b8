"""The transports of a client: one for each key that is kept, one for each single request."""

from typing import Any

from twisted.internet.task import Clock

from qabel.drop.url import DropURL
from qabel.net.address_policy import any_address, private_address_error
from qabel.net.connector import Connector
from qabel.net.http_transport import Transport
from qabel.net.isolated_transports import IsolatedTransports
from qabel.net.isolation import Isolation, IsolationKey
from qabel.net.name_lookup import NameLookup

URL = DropURL.parse("https://drop.example.org/" + "A" * 43)


def transports(isolation: Isolation) -> IsolatedTransports:
    """Return transports that never connect."""
    clock: Any = Clock()
    connector = Connector(clock, clock, NameLookup(clock, clock), time_limit=1)

    def make(key: IsolationKey, trusted: bool) -> Transport:
        return Transport(clock, connector, any_address, private_address_error, key)

    return IsolatedTransports(make, isolation)


def test_trusted_servers_are_apart() -> None:
    """A connection to a trusted server is not used for an untrusted URL on its host."""
    isolation = Isolation()
    isolation.set_owners({URL: [b"a"]})
    found, key = transports(isolation), isolation.reading(URL)
    assert found.get(key, trusted=True) is found.get(key, trusted=True)
    assert found.get(key, trusted=True) is not found.get(key, trusted=False)


def test_single_requests_are_apart() -> None:
    """What is for a single request is made anew each time, and not kept."""
    isolation = Isolation()
    found = transports(isolation)
    first, second = (found.get(isolation.posting(), trusted=True) for _ in range(2))
    assert first is not second
    found.release(first)
    found.release(second)
    assert not found._retired
    assert not found._kept


def test_what_is_not_used_any_more_goes() -> None:
    """When an identity has no drops any more, nothing is kept of it."""
    isolation = Isolation()
    isolation.set_owners({URL: [b"a"]})
    found = transports(isolation)
    found.get(isolation.reading(URL), trusted=True)
    isolation.set_owners({})
    assert not found._kept
    assert not found._retired


def test_without_isolation_there_is_one() -> None:
    """A linkable client has one transport for reading and posting."""
    isolation = Isolation(is_linkable=True)
    isolation.set_owners({URL: [b"a"]})
    found = transports(isolation)
    reading = found.get(isolation.reading(URL), trusted=True)
    assert found.get(isolation.posting(), trusted=True) is reading
    found.release(reading)
    isolation.set_owners({})
    assert found.get(isolation.posting(), trusted=True) is reading
