"""Watching for pushes: a drop is read as soon as its server tells of news."""

from collections.abc import Callable, Collection, Iterable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.receiving.poll_errors import NotStored, ReadFailed
from qabel.core.receiving.push_watch import PushWatch
from qabel.drop.url import DropURL
from tests.core.items import drop


@define(eq=False)
class Listener:
    """A listener of one drop, which tells of news when the test says so."""

    on_news: Callable[[Collection[bytes]], None]
    on_lost: Callable[[], object] = lambda: None
    heard: float | None = None
    connected: bool = False
    stops: int = 0
    is_offered: bool = True
    problem: str | None = None

    def tell(self, *announced: bytes) -> None:
        """Tell of news."""
        self.on_news(announced)

    def start(self) -> None:
        """Connect."""
        self.connected = True

    def stop(self) -> None:
        """End it."""
        self.connected = False
        self.stops += 1


@define
class Reads:
    """Stands for the receiver: notes what is read, and ends a reading when the test says so."""

    begun: list[DropURL] = field(factory=list)
    announced: list[set[bytes]] = field(factory=list)
    under_way: "list[Deferred[None]]" = field(factory=list)
    is_slow: bool = False
    error: Exception | None = None
    cancelled: int = 0

    async def read(self, url: DropURL, announced: Collection[bytes]) -> None:
        """Read a drop."""
        self.begun.append(url)
        self.announced.append(set(announced))
        if self.is_slow:
            self.under_way.append(Deferred(lambda _: self._cancel()))
            await self.under_way[-1]
        if self.error is not None:
            raise self.error

    def _cancel(self) -> None:
        self.cancelled += 1


class PushWatchTests(SynchronousTestCase):
    """A watch of two drops, of at most three."""

    def setUp(self) -> None:
        """Start it."""
        self.reads = Reads()
        self.listeners: dict[DropURL, Listener] = {}
        self.clock = Clock()
        self.troubled: list[DropURL] = []
        self.done: list[DropURL] = []
        self.watch = PushWatch(
            self.listen,
            self.reads.read,
            self.clock,
            interval=lambda: 10.0,
            on_trouble=self.troubled.append,
            on_read=self.done.append,
            draw=lambda: 0.5,
            most=3,
        )
        self.set_drops([drop(1), drop(2)])
        self.watch.startService()
        self.clock.advance(5)

    def set_drops(self, urls: Iterable[DropURL]) -> None:
        """Set the drops, and have their connections opened."""
        self.watch.set_drops(urls)
        self.clock.advance(5)

    def listen(self, url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> Listener:
        """Make a listener."""
        self.listeners[url] = Listener(on_news)
        return self.listeners[url]

    def tell(self, number: int = 1) -> None:
        """Tell of news in a drop."""
        self.listeners[drop(number)].tell()

    def test_it_listens_while_it_runs(self) -> None:
        """Listeners are started with the service, and stopped with it."""
        self.assertEqual(2, self.watch.connected)
        self.watch.stopService()
        self.assertEqual(0, self.watch.connected)
        self.assertEqual([1, 1], [each.stops for each in self.listeners.values()])
        self.watch.startService()
        self.clock.advance(5)
        self.assertEqual(2, self.watch.connected)

    def test_before_the_start_nothing_listens(self) -> None:
        """Drops that are set before the start have no listeners yet."""
        self.listeners.clear()
        watch = PushWatch(self.listen, self.reads.read, self.clock, interval=lambda: 10.0)
        watch.set_drops([drop(5)])
        self.assertEqual({}, self.listeners)

    def test_listeners_follow_the_drops(self) -> None:
        """A new drop gets a listener, one that is gone loses it, and others stay as they are."""
        kept = self.listeners[drop(1)]
        self.set_drops([drop(1), drop(3)])
        self.assertIs(kept, self.listeners[drop(1)])
        self.assertEqual(0, kept.stops)
        self.assertEqual(1, self.listeners[drop(2)].stops)
        self.assertTrue(self.listeners[drop(3)].connected)

    def test_a_lost_connection_counts_no_more(self) -> None:
        """A drop whose listener has no connection is not counted."""
        self.listeners[drop(1)].connected = False
        self.assertEqual(1, self.watch.connected)

    def test_there_is_a_limit(self) -> None:
        """Of too many drops only some are listened to, the same ones each time."""
        drops = [drop(number) for number in range(10)]
        self.set_drops(drops)
        chosen = {url for url, each in self.listeners.items() if each.connected}
        self.assertEqual(3, len(chosen))
        self.set_drops(reversed(drops))
        self.assertEqual(chosen, {url for url, each in self.listeners.items() if each.connected})

    def test_news_has_the_drop_read(self) -> None:
        """At each piece of news the drop is read, and no other."""
        self.tell(2)
        self.tell(2)
        self.assertEqual([drop(2), drop(2)], self.reads.begun)

    def test_news_during_a_reading(self) -> None:
        """However much news comes during a reading, one more follows it."""
        self.reads.is_slow = True
        for _ in range(4):
            self.tell()
        self.assertEqual([drop(1)], self.reads.begun)
        self.reads.under_way.pop().callback(None)
        self.assertEqual([drop(1), drop(1)], self.reads.begun)
        self.reads.under_way.pop().callback(None)
        self.assertEqual(2, len(self.reads.begun))
        self.tell()
        self.assertEqual(3, len(self.reads.begun))

    def test_what_is_announced_is_passed_on(self) -> None:
        """The reader is told which messages should be there, each once."""
        self.reads.is_slow = True
        self.listeners[drop(1)].tell(b"1")
        self.listeners[drop(1)].tell(b"2", b"3")
        self.listeners[drop(1)].tell()
        self.reads.under_way.pop().callback(None)
        self.assertEqual([{b"1"}, {b"2", b"3"}], self.reads.announced)

    def test_who_was_heard(self) -> None:
        """The last sign of life counts of each drop, of connections that are open."""
        self.assertEqual({}, self.watch.heard())
        self.listeners[drop(1)].heard, self.listeners[drop(2)].heard = 5.0, 3.0
        self.assertEqual({drop(1): 5.0, drop(2): 3.0}, self.watch.heard())
        self.listeners[drop(1)].connected = False
        self.assertEqual({drop(2): 3.0}, self.watch.heard())

    def test_drops_are_read_side_by_side(self) -> None:
        """A slow server delays no other drop."""
        self.reads.is_slow = True
        self.tell(1)
        self.tell(2)
        self.assertEqual([drop(1), drop(2)], self.reads.begun)

    def test_a_failed_reading_is_left_to_the_poller(self) -> None:
        """After a failure the drop is not read again before the next piece of news."""
        self.reads.is_slow = True
        self.reads.error = ReadFailed("No answer.")
        self.tell()
        self.tell()
        self.reads.under_way.pop().callback(None)
        self.assertEqual(1, len(self.reads.begun))
        self.reads.error = None
        self.tell()
        self.assertEqual(2, len(self.reads.begun))

    def test_what_is_to_be_polled_soon(self) -> None:
        """A drop whose connection is lost, or that cannot be read; one that was read is told."""
        self.listeners[drop(2)].on_lost()
        self.assertEqual([drop(2)], self.troubled)
        self.tell(1)
        self.assertEqual([drop(1)], self.done)
        self.reads.error = ReadFailed("No answer.")
        self.tell(1)
        self.assertEqual([drop(2), drop(1)], self.troubled)
        self.assertEqual([drop(1)], self.done)

    def test_which_drops_are_watched(self) -> None:
        """Those whose connection is open."""
        self.listeners[drop(2)].connected = False
        watched = [self.watch.is_watching(drop(number)) for number in (1, 2, 3)]
        self.assertEqual([True, False, False], watched)

    def test_an_unexpected_error_is_logged(self) -> None:
        """An error nobody thought of is logged, and the next piece of news has the drop read."""
        self.reads.error = ZeroDivisionError()
        self.tell()
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.tell()
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual(2, len(self.reads.begun))

    def test_stopping_breaks_off_readings(self) -> None:
        """When it stops, or a drop is gone, a reading under way is cancelled."""
        self.reads.is_slow = True
        self.tell(1)
        self.tell(2)
        self.set_drops([drop(2)])
        self.assertEqual(1, self.reads.cancelled)
        self.watch.stopService()
        self.assertEqual(2, self.reads.cancelled)

    def test_late_news_of_a_drop_that_is_gone(self) -> None:
        """News from a listener that was stopped has nothing read."""
        self.set_drops([drop(2)])
        self.tell(1)
        self.watch.stopService()
        self.tell(2)
        self.assertEqual([], self.reads.begun)


class ServerPushTests(SynchronousTestCase):
    """What is said of each server with push."""

    def test_the_state_of_each_server(self) -> None:
        """A server listens if all its drops do; else it is said why not, as far as is known."""
        listeners: dict[DropURL, Listener] = {}

        def listen(url: DropURL, on_news: Callable[[], None]) -> Listener:
            return listeners.setdefault(url, Listener(on_news))

        clock = Clock()
        watch = PushWatch(listen, Reads().read, clock, interval=lambda: 10.0, draw=lambda: 0.0)
        watch.set_drops([drop(1), drop(2)])
        watch.startService()
        clock.advance(0)
        [server] = watch.by_server()
        self.assertEqual("listening", watch.by_server()[server].text)
        first, second = listeners.values()
        second.connected = False
        self.assertEqual("connecting", watch.by_server()[server].text)
        first.problem = "It was closed."
        self.assertEqual("It was closed.", watch.by_server()[server].text)
        first.problem, second.is_offered = None, False
        self.assertEqual("not offered", watch.by_server()[server].text)
        watch.stopService()
        self.assertEqual({}, watch.by_server())


def test_pushes_while_nothing_can_be_stored() -> None:
    """The same messages are not fetched again and again: that is left to the poller."""
    clock, listeners = Clock(), list[Listener]()
    waiting: dict[DropURL, str] = {}
    read: list[DropURL] = []

    def listen(url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> Listener:
        listeners.append(Listener(on_news))
        return listeners[-1]

    async def fail(url: DropURL, announced: Collection[bytes]) -> None:
        read.append(url)
        raise NotStored("The disk is full.")

    watch = PushWatch(
        listen,
        fail,
        clock,
        interval=lambda: 10.0,
        draw=lambda: 0.0,
        is_waiting=waiting.__contains__,
        on_not_stored=waiting.__setitem__,
    )
    watch.set_drops([drop(1)])
    watch.startService()
    clock.advance(0)
    for _ in range(10):
        listeners[0].tell()
    assert read == [drop(1)]
    assert waiting == {drop(1): "The disk is full."}
    waiting.clear()
    listeners[0].tell()
    assert len(read) == 2


def test_connections_are_opened_one_by_one() -> None:
    """Each at a random time in the first interval, and none of a drop that is gone by then."""
    clock, opened = Clock(), dict[DropURL, float]()
    draws = iter((0.25, 0.75, 0.5))

    @define(eq=False)
    class Noting(Listener):
        url: DropURL = field(kw_only=True)

        def start(self) -> None:
            """Note when."""
            opened[self.url] = clock.seconds()

    def listen(url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> Listener:
        return Noting(on_news, url=url)

    watch = PushWatch(listen, Reads().read, clock, interval=lambda: 10.0, draw=lambda: next(draws))
    watch.startService()
    watch.set_drops([drop(1)])
    watch.set_drops([drop(1), drop(2)])
    watch.set_drops([drop(1), drop(2), drop(3)])
    clock.pump([0.5] * 9)
    watch.set_drops([drop(1), drop(2)])
    clock.pump([0.5] * 20)
    assert opened == {drop(1): 2.5, drop(2): 7.5}
    assert clock.getDelayedCalls() == []


def test_connections_are_opened_anew() -> None:
    """Those to the servers that are named: each at a random time, once the old one is closed."""
    clock, listeners = Clock(), list[tuple[DropURL, Listener]]()
    here, elsewhere = drop(1), DropURL.parse(f"https://elsewhere.example/{2:043}")

    def listen(url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> Listener:
        listeners.append((url, Listener(on_news)))
        return listeners[-1][1]

    reads = Reads()
    watch = PushWatch(listen, reads.read, clock, interval=lambda: 10.0, draw=lambda: 0.5)
    watch.reconnect({here.server})
    watch.set_drops([here, elsewhere])
    watch.startService()
    clock.advance(5)
    assert watch.connected == 2
    watch.reconnect({"https://unknown.example", elsewhere.server})
    assert [each.stops for url, each in listeners if url == elsewhere] == [1, 0]
    assert [each.stops for url, each in listeners if url == here] == [0]
    assert watch.connected == 1
    clock.advance(5)
    assert watch.connected == 2
    watch.stopService()
    assert clock.getDelayedCalls() == []
