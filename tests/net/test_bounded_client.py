"""What all HTTP clients are made of: calls are limited, and end when the client is closed."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from qabel.net.address_policy import any_address, private_address_error
from qabel.net.bounded_client import BoundedClient
from qabel.net.errors import ConnectFailed
from qabel.net.exchange_limits import ExchangeLimits
from qabel.net.isolation import IsolationKey, Purpose


def test_the_clock_is_the_reactor() -> None:
    """Unless another clock is given, the reactor measures the limits."""
    clock = Clock()
    assert BoundedClient(clock)._clock is clock
    assert BoundedClient(reactor, clock=clock)._clock is clock


def test_each_transport_has_connections_of_its_own() -> None:
    """Connections are never shared between two transports, as their filters may differ."""
    client = BoundedClient(Clock(), limits=ExchangeLimits(connect=1))
    key = IsolationKey(Purpose.READ)
    first, second = (client._transport(any_address, private_address_error, key) for _ in range(2))
    assert first is not second
    assert first._pool is not second._pool


@pytest_twisted.ensureDeferred
async def test_closing_ends_calls() -> None:
    """A call that is under way is cancelled by closing; a later one is not begun."""
    client = BoundedClient(reactor)
    cancelled: list[Any] = []

    async def wait(_: object) -> None:
        await Deferred(cancelled.append)

    under_way = Deferred.fromCoroutine(client._exchanges.run("It", wait))
    await client.close()
    assert len(cancelled) == 1
    with pytest.raises(CancelledError):
        await under_way
    with pytest.raises(ConnectFailed):
        await client._exchanges.run("It", wait)
    assert len(cancelled) == 1
