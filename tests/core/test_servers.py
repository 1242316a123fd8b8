"""Drop servers: the list of them, and tests, which are no way to explore the local network."""

from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred

from qabel.contract.access import Access
from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.servers import BLIND_TEST_TIME, PROXY_TEST_TIME, TEST_TIME, Servers
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, ServerRefused
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import ClockedWorld

CONFIGURING = Access(frozenset({"servers"}), None, 1)
LOCAL = "http://127.0.0.1:8080"


@define(kw_only=True)
class Net(MemoryDropServers):
    """Drop servers that trust the servers in a list, and fail as they are told."""

    trusted: Any
    error: Exception | None = None
    asked: list[str] = field(factory=list)

    async def fetch(self, url: DropURL, *args: Any) -> FetchResult:
        """Respond as a drop server does, unless the test says otherwise."""
        AddressPolicy(lambda: self.trusted.trusted).trusts(url)
        self.asked.append(url.server)
        if self.error is not None:
            raise self.error
        return await super().fetch(url, *args)


@pytest.fixture
def core(clocked: ClockedWorld) -> CoreService:
    """Return a core without drop servers."""
    return clocked.run(clocked.core("me"))


@pytest.fixture
def net(core: CoreService) -> Net:
    """Return the network of the servers."""
    return Net(trusted=core._base.servers)


@pytest.fixture
def servers(core: CoreService, net: Net, clocked: ClockedWorld) -> Servers:
    """Return the servers of the core."""
    return Servers(synced=core.synced, network=net, trusted=core._base.servers, clock=clocked.clock)


def urls(servers: Servers) -> list[str]:
    """Return the URLs of all servers, the preferred one in brackets."""
    return [f"[{each.url}]" if each.preferred else each.url for each in servers.all()]


def test_the_list(clocked: ClockedWorld, servers: Servers) -> None:
    """Servers are added, changed and deleted; the first active one is preferred."""
    one = clocked.run(servers.add("https://one.example", "secret"))
    two = clocked.run(servers.add("https://two.example"))
    assert urls(servers) == ["[https://one.example]", "https://two.example"]
    assert clocked.run(servers.change(one.id, {"active": False})).active is False
    assert urls(servers) == ["https://one.example", "[https://two.example]"]
    clocked.run(servers.delete(two.id))
    assert urls(servers) == ["https://one.example"]
    for call in (
        servers.change(two.id, {"active": True}),
        servers.delete(two.id),
        servers.prefer(two.id),
    ):
        with pytest.raises(NotFound):
            clocked.run(call)


def test_preferring(core: CoreService, clocked: ClockedWorld, servers: Servers) -> None:
    """New drops are created on the preferred server, which must be active."""
    clocked.run(servers.add("https://one.example"))
    two = clocked.run(servers.add("https://two.example"))
    idle = clocked.run(servers.add("https://three.example", active=False))
    assert clocked.run(servers.prefer(two.id)).preferred
    assert clocked.run(servers.prefer(two.id)).preferred
    identity = clocked.run(core.people.add_identity("Alice"))
    assert (identity.drops or [""])[0].startswith("https://two.example/")
    with pytest.raises(Conflict):
        clocked.run(servers.prefer(idle.id))


def test_one_server_is_there_once(clocked: ClockedWorld, servers: Servers) -> None:
    """Another spelling of its URL is the same server."""
    one = clocked.run(servers.add("https://one.example"))
    two = clocked.run(servers.add("https://two.example"))
    for call in (
        servers.add("HTTPS://One.example:443/"),
        servers.change(two.id, {"url": "https://one.example."}),
    ):
        with pytest.raises(Conflict, match=f"drop server {one.id} already"):
            clocked.run(call)
    with pytest.raises(Invalid):
        clocked.run(servers.add("nonsense"))


def test_credentials_are_for_one_server(
    core: CoreService, clocked: ClockedWorld, servers: Servers
) -> None:
    """Whoever changes the URL, and does not know the credentials, does not take them along."""
    one = clocked.run(servers.add("https://one.example", "secret"))

    def auth() -> str:
        return core.synced.value.drop_servers[0].auth

    clocked.run(servers.change(one.id, {"active": False}))
    assert auth() == "secret"
    clocked.run(servers.change(one.id, {"url": "https://evil.example"}))
    assert auth() == ""
    clocked.run(servers.change(one.id, {"url": "https://two.example", "auth": "new"}))
    assert auth() == "new"


def test_a_token_to_try(core: CoreService, clocked: ClockedWorld, servers: Servers) -> None:
    """A test uses the token of the server, or the one that it is given; nothing is kept of it."""
    tokens, sent = core._base.servers.group_tokens, list[str | None]()

    class Asked(Net):
        async def fetch(self, url: DropURL, *args: Any) -> FetchResult:
            sent.append(tokens.get(url))
            return await super().fetch(url, *args)

    servers = evolve(servers, network=Asked(trusted=core._base.servers), group_tokens=tokens)
    added = clocked.run(servers.add("https://one.example", "secret"))
    assert (added.has_auth, "secret" in repr(added)) == (True, False)
    for auth, expected in ((None, "secret"), ("other", "other"), ("", None)):
        clocked.run(servers.test("https://one.example/", auth))
        assert set(sent) == {expected}
        sent.clear()
    assert clocked.run(servers.change(added.id, {"auth": ""})).has_auth is False
    clocked.run(servers.test("https://one.example"))
    assert set(sent) == {None}
    assert tokens._tried == {}


def test_a_server_that_responds(clocked: ClockedWorld, servers: Servers, net: Net) -> None:
    """It is tried with a new drop, in the list or not; admins may test any address."""
    for url in ("https://one.example", LOCAL):
        found = clocked.run(servers.test(url))
        assert (found.url, found.ok, found.found) == (url, True, "drop-server")
        assert found.detail == "A drop server responded."
        assert all(each.ok for each in found.checks)
    assert sorted(set(net.asked)) == [LOCAL, "https://one.example"]
    assert net.trusted.tested == set()


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ConnectFailed("Nobody listens."), "Nobody listens."),
        (
            ServerRefused("Status 404.", status=404),
            "Status 404. There seems to be no drop server at this URL.",
        ),
    ],
)
def test_why_a_test_failed(
    clocked: ClockedWorld, servers: Servers, net: Net, error: Exception, detail: str
) -> None:
    """The owner is told what went wrong."""
    net.error = error
    found = clocked.run(servers.test(LOCAL))
    assert (found.ok, found.detail, found.checks) == (False, detail, [])


def test_a_server_that_hangs(clocked: ClockedWorld, servers: Servers, net: Net) -> None:
    """A test has a limit of time, and leaves nothing behind."""
    net.hanging = Deferred()
    testing = Deferred.fromCoroutine(servers.test("https://one.example"))
    clocked.clock.advance(TEST_TIME)
    assert result_of(testing).detail == "one.example did not respond within 10 s."
    assert net.trusted.tested == set()


def test_a_proxy_takes_its_time(clocked: ClockedWorld, servers: Servers, net: Net) -> None:
    """Through a proxy, a test may take longer than the proxy for a circuit."""
    net.hanging = Deferred()
    testing = Deferred.fromCoroutine(
        evolve(servers, has_proxy=lambda: True).test("https://one.example")
    )
    clocked.clock.advance(PROXY_TEST_TIME - 0.1)
    assert not testing.called
    clocked.clock.advance(0.1)
    assert result_of(testing).detail == "one.example did not respond within 75 s."


@pytest.mark.parametrize("url", [LOCAL, "http://drop.example"])
def test_what_may_not_be_explored(
    clocked: ClockedWorld, servers: Servers, net: Net, url: str
) -> None:
    """With the scope servers only, no request goes to what is not in the list and not https."""
    assert not clocked.run(servers.seen_by(CONFIGURING).test(url)).ok
    assert net.asked == []


@pytest.mark.parametrize("error", [ConnectFailed("x"), ServerRefused("y", status=404), None])
def test_failures_look_alike(
    clocked: ClockedWorld, servers: Servers, net: Net, error: Exception | None
) -> None:
    """Of a server in the list, it is told only whether it is one, after the same time."""
    clocked.run(servers.add(LOCAL))
    net.trusted.urls = frozenset({LOCAL})
    net.error = error
    net.hanging = None if error else Deferred()
    testing = Deferred.fromCoroutine(servers.seen_by(CONFIGURING).test(LOCAL))
    clocked.clock.advance(BLIND_TEST_TIME - 0.1)
    assert not testing.called
    clocked.clock.advance(0.1)
    assert result_of(testing).detail == (
        "No drop server responded. A token with the scope admin is told why."
    )
    net.error = net.hanging = None
    found = clocked.run(servers.seen_by(CONFIGURING).test(LOCAL))
    assert (found.ok, found.checks, net.posted) == (True, [], [])
