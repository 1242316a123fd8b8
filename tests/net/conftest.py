"""Clients and servers that are closed at the end of each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from cryptography.hazmat.primitives import serialization
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.drop_client import DropClient
from qabel.net.isolation import Isolation
from tests.net.certificates import Pair, certificate
from tests.net.servers import DROP_ID, Handler, Server


class Everywhere:
    """A collection that contains every server."""

    def __contains__(self, server: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


@pytest.fixture(autouse=True)
def no_drop_ids_logged() -> Iterator[None]:
    """Fail the test if the id of a drop is logged."""
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event) + repr(event))

    globalLogPublisher.addObserver(observe)
    yield
    globalLogPublisher.removeObserver(observe)
    assert not [line for line in lines if DROP_ID in line]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return a function that starts servers; they are stopped at the end."""
    servers: list[Server] = []

    def start(handle: Handler, *, tls: object = None, **options: Any) -> Server:
        server = Server(handle, **options).listen(tls)
        servers.append(server)
        return server

    yield start
    for server in servers:
        pytest_twisted.blockon(Deferred.fromCoroutine(server.stop()))


@pytest.fixture(scope="session")
def authority() -> Pair:
    """Return the certificate of an authority, and its key."""
    return certificate(None, common_name="authority", authority=True)


@pytest.fixture(scope="session")
def trust_root(authority: Pair) -> object:
    """Return a trust root with that authority."""
    pem = authority[0].public_bytes(serialization.Encoding.PEM)
    return trustRootFromCertificates([Certificate.loadPEM(pem)])


@pytest.fixture
def clock() -> Clock:
    """Return the clock that measures the limits of ``client``."""
    return Clock()


class OneReader(Isolation):
    """The isolation of a single identity that reads every drop."""

    def owner_of(self, url: DropURL) -> bytes | None:
        """Return the identity."""
        return bytes(32)


@pytest.fixture
def make_client(clock: Clock) -> Iterator[Callable[..., DropClient]]:
    """Return a function that makes clients; they are closed at the end and must leave no timers."""
    clients: list[DropClient] = []

    def make(**options: Any) -> DropClient:
        options.setdefault("policy", AddressPolicy(Everywhere))
        options.setdefault("isolation", OneReader())
        client = DropClient(reactor, **{"clock": clock, **options})
        clients.append(client)
        return client

    yield make
    for client in clients:
        pytest_twisted.blockon(Deferred.fromCoroutine(client.close()))
    assert clock.getDelayedCalls() == []


@pytest.fixture
def client(make_client: Callable[..., DropClient]) -> DropClient:
    """Return a client that trusts every server, with its limits on ``clock``."""
    return make_client()
