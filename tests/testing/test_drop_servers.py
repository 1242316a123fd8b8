"""Drop servers in memory behave as the real client with a real server: the same tests for both."""

from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred

from qabel.core.network import Network
from qabel.drop.multipart import Part
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, DropServerError, IncompleteResponse, ServerRefused
from qabel.testing.drop_servers import BATCH, MemoryDropServers
from tests.net.servers import turn, until
from tests.testing.conftest import DropServerKind


@attrs.define
class Taken:
    """Collects what fetches hand over."""

    parts: list[Part] = attrs.field(factory=list)

    async def __call__(self, parts: list[Part]) -> None:
        """Take some parts."""
        self.parts += parts

    @property
    def bodies(self) -> list[bytes]:
        """The messages, in their order."""
        return [each.body for each in self.parts]


@attrs.define
class News:
    """Counts how often a listener is told of news."""

    count: int = 0

    def __call__(self, announced: object = ()) -> None:
        """Count one."""
        self.count += 1


async def post(network: Network, url: DropURL, *messages: bytes) -> None:
    """Post messages one after another."""
    for each in messages:
        await network.post(url, each)


async def fetch(
    network: Network, url: DropURL, since: str | None = None
) -> tuple[list[bytes], str | None]:
    """Fetch, and return the messages and the cursor."""
    taken = Taken()
    result = await network.fetch(url, since, taken)
    assert result.parts == len(taken.bodies)
    return taken.bodies, result.latest


@pytest_twisted.ensureDeferred
async def test_what_is_posted_is_fetched(servers: DropServerKind) -> None:
    """All messages of a drop come once each, byte for byte, in the order in which they came."""
    messages = [b"one", b"two\r\n--", bytes(range(256)), *(b"%d" % i for i in range(2 * BATCH))]
    await post(servers.network, servers.drop(), *messages)
    taken = Taken()
    result = await servers.network.fetch(servers.drop(), None, taken)
    assert taken.bodies == messages
    assert (result.status, result.parts) == ("new", len(messages))


@pytest_twisted.ensureDeferred
async def test_each_message_has_a_date(servers: DropServerKind) -> None:
    """A server says of every message when it came."""
    await post(servers.network, servers.drop(), b"one", b"two")
    taken = Taken()
    await servers.network.fetch(servers.drop(), None, taken)
    assert all(parsedate_to_datetime(each.date or "").tzinfo for each in taken.parts)


@pytest_twisted.ensureDeferred
async def test_a_cursor_leads_to_what_is_newer(servers: DropServerKind) -> None:
    """Fetching from the cursor of a fetch gives what came after it, and nothing else."""
    url = servers.drop()
    await post(servers.network, url, b"one", b"two")
    _, first = await fetch(servers.network, url)
    await post(servers.network, url, b"three")
    bodies, second = await fetch(servers.network, url, first)
    assert bodies == [b"three"]
    assert second not in (None, first)
    assert (await fetch(servers.network, url, first))[0] == [b"three"]


@pytest_twisted.ensureDeferred
async def test_nothing_new(servers: DropServerKind) -> None:
    """With nothing to hand over a fetch says so, without a cursor: the old one stays valid."""
    url, taken = servers.drop(), Taken()
    assert await servers.network.fetch(url, None, taken) == FetchResult("nothing")
    await post(servers.network, url, b"one")
    _, latest = await fetch(servers.network, url)
    assert await servers.network.fetch(url, latest, taken) == FetchResult("nothing")
    assert taken.parts == []


@pytest_twisted.ensureDeferred
async def test_drops_do_not_mix(servers: DropServerKind) -> None:
    """What is posted to one drop is not in another on the same server."""
    first, second = servers.drop(1), servers.drop(2)
    await post(servers.network, first, b"one")
    assert await fetch(servers.network, second) == ([], None)
    await post(servers.network, second, b"two")
    assert (await fetch(servers.network, first))[0] == [b"one"]
    assert (await fetch(servers.network, second))[0] == [b"two"]


@pytest_twisted.ensureDeferred
async def test_an_error_of_the_reader_ends_the_fetch(servers: DropServerKind) -> None:
    """What the callback for messages raises is raised by the fetch."""
    await post(servers.network, servers.drop(), b"one")

    async def fail(_: list[Part]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await servers.network.fetch(servers.drop(), None, fail)


@pytest_twisted.ensureDeferred
async def test_a_listener_hears_of_a_post(servers: DropServerKind) -> None:
    """A listener is told at its start and at each message to its drop, until it is stopped."""
    url, news = servers.drop(), News()
    listener = servers.network.listen(url, news)
    assert not listener.connected
    listener.start()
    await until(lambda: listener.connected)
    assert news.count == 1
    await post(servers.network, servers.drop(2), b"elsewhere")
    await post(servers.network, url, b"one")
    await until(lambda: news.count == 2)
    await maybeDeferred(listener.stop)
    assert not listener.connected
    await post(servers.network, url, b"two")
    await turn(0.05)
    assert news.count == 2


@pytest_twisted.ensureDeferred
async def test_each_listener_of_a_drop_is_told(servers: DropServerKind) -> None:
    """Several listeners of a drop are told each, and stopping one leaves the others."""
    url, first, second = servers.drop(), News(), News()
    listeners = [servers.network.listen(url, each) for each in (first, second)]
    for each in listeners:
        each.start()
    await until(lambda: all(each.connected for each in listeners))
    await maybeDeferred(listeners[0].stop)
    await post(servers.network, url, b"one")
    await until(lambda: second.count == 2)
    assert first.count == 1
    await maybeDeferred(listeners[1].stop)


@pytest_twisted.ensureDeferred
async def test_starting_and_stopping_a_listener_twice(servers: DropServerKind) -> None:
    """A second start of a listener changes nothing, and neither does a second stop."""
    url, news = servers.drop(), News()
    listener = servers.network.listen(url, news)
    listener.start()
    listener.start()
    await until(lambda: listener.connected)
    await post(servers.network, url, b"one")
    await until(lambda: news.count >= 2)
    await turn(0.05)
    assert news.count == 2
    await maybeDeferred(listener.stop)
    await maybeDeferred(listener.stop)
    assert not listener.connected


@pytest_twisted.ensureDeferred
async def test_a_stopped_listener_can_start_again(servers: DropServerKind) -> None:
    """A listener that is started again is told of what may have come meanwhile."""
    url, news = servers.drop(), News()
    listener = servers.network.listen(url, news)
    listener.start()
    await until(lambda: listener.connected)
    await maybeDeferred(listener.stop)
    listener.start()
    await until(lambda: listener.connected)
    assert news.count == 2
    await maybeDeferred(listener.stop)


Call = Callable[[Network, DropURL], Awaitable[object]]

CALLS: list[Call] = [fetch, lambda network, url: network.post(url, b"message")]


@pytest.mark.parametrize("call", CALLS, ids=["fetch", "post"])
@pytest_twisted.ensureDeferred
async def test_a_server_that_is_away(servers: DropServerKind, call: Call) -> None:
    """Who cannot connect gets ConnectFailed, whose text does not show the drop."""
    url = await servers.away()
    with pytest.raises(ConnectFailed) as raised:
        await call(servers.network, url)
    check(raised.value, url)


@pytest_twisted.ensureDeferred
async def test_a_listener_of_a_server_that_is_away(servers: DropServerKind) -> None:
    """A listener that cannot connect is not connected, raises nothing, and tells of no news."""
    url, news = await servers.away(), News()
    listener = servers.network.listen(url, news)
    listener.start()
    await turn(0.05)
    assert (listener.connected, news.count) == (False, 0)
    await maybeDeferred(listener.stop)


@pytest_twisted.ensureDeferred
async def test_a_server_that_refuses(servers: DropServerKind) -> None:
    """A message refused for good raises ServerRefused, with the status and no time to wait."""
    url = await servers.refusing()
    with pytest.raises(ServerRefused) as raised:
        await servers.network.post(url, b"message")
    assert (raised.value.status, raised.value.permanent) == (400, True)
    assert raised.value.retry_after is None
    check(raised.value, url)


@pytest.mark.parametrize("after", [0, 1, BATCH + 1])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_breaks_off(servers: DropServerKind, after: int) -> None:
    """The messages that came whole are handed over, then IncompleteResponse is raised."""
    messages = [b"message %d" % number for number in range(BATCH + 2)]
    url, taken = await servers.torn(messages, after), Taken()
    with pytest.raises(IncompleteResponse) as raised:
        await servers.network.fetch(url, None, taken)
    assert taken.bodies == messages[:after]
    check(raised.value, url)


@pytest_twisted.ensureDeferred
async def test_a_server_that_hangs(servers: DropServerKind) -> None:
    """A fetch that gets no answer can be cancelled, and others go on waiting."""
    url, taken = await servers.hanging(), Taken()
    first, second = (
        Deferred.fromCoroutine(servers.network.fetch(url, None, taken)) for _ in range(2)
    )
    await turn(0.05)
    assert not first.called
    first.cancel()
    with pytest.raises(CancelledError):
        await first
    await turn(0.05)
    assert not second.called
    second.cancel()
    with pytest.raises(CancelledError):
        await second
    assert taken.parts == []


@pytest_twisted.ensureDeferred
async def test_a_server_without_cursors(servers: DropServerKind) -> None:
    """A server that gives no cursor gives all messages each time."""
    url = await servers.without_cursors([b"one", b"two"])
    for _ in range(2):
        assert await fetch(servers.network, url) == ([b"one", b"two"], None)


@pytest_twisted.ensureDeferred
async def test_closing_twice(servers: DropServerKind) -> None:
    """A network can be closed after use, and once more."""
    await post(servers.network, servers.drop(), b"one")
    await servers.network.close()
    await servers.network.close()


@pytest_twisted.ensureDeferred
async def test_troubles_that_end() -> None:
    """Servers in memory that are in order again have all that they had before."""
    servers, url = MemoryDropServers(), DropURL.parse(f"http://drop.example/{1:043}")
    await post(servers, url, b"one")
    servers.is_away = True
    with pytest.raises(ConnectFailed):
        await fetch(servers, url)
    servers.is_away, servers.hanging = False, Deferred()
    waiting = Deferred.fromCoroutine(fetch(servers, url))
    assert not waiting.called
    servers.hanging.callback(None)
    assert await waiting == ([b"one"], "1")


@pytest_twisted.ensureDeferred
async def test_what_servers_in_memory_remember() -> None:
    """They keep what was posted where, and with which cursors somebody fetched."""
    servers, url = MemoryDropServers(), DropURL.parse(f"http://drop.example/{1:043}")
    await post(servers, url, b"one", b"two")
    _, latest = await fetch(servers, url)
    await fetch(servers, url, latest)
    assert servers.posted == [(str(url), b"one"), (str(url), b"two")]
    assert servers.fetched == [None, latest]
    servers.is_refusing = True
    with pytest.raises(ServerRefused):
        await post(servers, url, b"three")
    assert servers.messages == {str(url): [b"one", b"two"]}
    assert len(servers.posted) == 2


def check(error: DropServerError, url: DropURL) -> None:
    """Check that an error has a text for the user, which does not show the id of the drop."""
    assert error.detail
    assert str(url).rpartition("/")[2] not in error.detail + str(error) + repr(error)
