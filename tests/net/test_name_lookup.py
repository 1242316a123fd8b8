"""Host name lookup, without waiting for lookups that hang."""

import socket
from ipaddress import ip_address
from threading import Event

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from qabel.net.name_lookup import AT_ONCE, KEEP_SECONDS, NameLookup


class Resolver:
    """A fake of the system's resolver."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.hold = Event()

    def __call__(self, name, port, family, kind):
        """Look up a name. Runs in a thread."""
        self.asked.append(name)
        if name.startswith("hung"):
            self.hold.wait(10)
        if name not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, kind, 6, "", (each, 0)) for each in self.answers[name]]


@pytest_twisted.ensureDeferred
async def test_addresses_need_no_lookup():
    """An IP address needs no lookup."""
    resolver = Resolver()
    names = NameLookup(reactor, Clock(), resolver)
    assert await names.find("::1") == (ip_address("::1"),)
    assert resolver.asked == []


@pytest_twisted.ensureDeferred
async def test_known_for_a_while():
    """Concurrent lookups of a name share one call, and the result is cached for a while."""
    clock = Clock()
    resolver = Resolver(drop=["192.0.2.1", "192.0.2.2", "192.0.2.1"])
    names = NameLookup(reactor, clock, resolver)
    first, second = (Deferred.fromCoroutine(names.find("drop")) for _ in range(2))
    assert await first == await second == (ip_address("192.0.2.1"), ip_address("192.0.2.2"))
    await names.find("drop")
    assert resolver.asked == ["drop"]
    clock.advance(KEEP_SECONDS)
    await names.find("drop")
    names.forget("drop")
    await names.find("drop")
    assert resolver.asked == ["drop"] * 3


@pytest.mark.parametrize("name", ["nowhere", "x" * 64 + ".example"])
@pytest_twisted.ensureDeferred
async def test_unknown(name):
    """An unknown name raises OSError and is not cached."""
    resolver = Resolver()
    names = NameLookup(reactor, Clock(), resolver)
    for _ in range(2):
        with pytest.raises(OSError, match="no such host name"):
            await names.find(name)
    assert len(resolver.asked) == 2


@pytest_twisted.ensureDeferred
async def test_hung_lookups_hold_up_nobody():
    """Hung lookups do not block others, and waiting for them can be cancelled."""
    resolver = Resolver(drop=["192.0.2.1"], hung=["192.0.2.2"])
    names = NameLookup(reactor, Clock(), resolver)
    hung = [Deferred.fromCoroutine(names.find("hung")) for _ in range(AT_ONCE * 2)]
    hung += [Deferred.fromCoroutine(names.find(f"hung{i}")) for i in range(AT_ONCE - 2)]
    assert await names.find("drop") == (ip_address("192.0.2.1"),)
    for each in hung[1:]:
        each.cancel()
        with pytest.raises(CancelledError):
            await each
    resolver.hold.set()
    assert await hung[0] == (ip_address("192.0.2.2"),)
    for i in range(AT_ONCE - 2):
        with pytest.raises(OSError, match="no such"):
            await names.find(f"hung{i}")


@pytest_twisted.ensureDeferred
async def test_names_that_nobody_waits_for():
    """A name that is still in the queue when all have left is not shown to the name server."""
    resolver = Resolver(drop=["192.0.2.1"], gone=["192.0.2.2"])
    names = NameLookup(reactor, Clock(), resolver)
    hung = [Deferred.fromCoroutine(names.find(f"hung{i}")) for i in range(AT_ONCE)]
    gone = Deferred.fromCoroutine(names.find("gone"))
    kept = Deferred.fromCoroutine(names.find("drop"))
    gone.cancel()
    with pytest.raises(CancelledError):
        await gone
    resolver.hold.set()
    assert await kept == (ip_address("192.0.2.1"),)
    for each in hung:
        with pytest.raises(OSError, match="no such"):
            await each
    assert "gone" not in resolver.asked
    assert await names.find("gone") == (ip_address("192.0.2.2"),)


@pytest.mark.parametrize("name", ["a.onion", "A.ONION.", "onion.onion"])
@pytest_twisted.ensureDeferred
async def test_onion_services(name):
    """No name server is asked for an onion service (RFC 7686)."""
    resolver = Resolver()
    with pytest.raises(OSError, match="onion"):
        await NameLookup(reactor, Clock(), resolver).find(name)
    assert resolver.asked == []
