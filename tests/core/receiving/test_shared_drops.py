"""Drops that people share by chance: nothing that their server says is sent back to it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, field

from qabel.core.receiving import drop_traffic
from qabel.core.receiving.drop_reading import HOUR
from qabel.crypto import PrivateKey
from qabel.drop.dates import http_date, read_date
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import IncompleteResponse
from qabel.net.exchange_limits import Allowance
from qabel.testing.correspondents import SERVER
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import EPOCH, ClockedWorld
from tests.core.receiving.test_receiver import drop_of, sealed

SIZE = 2149


@define(eq=False)
class MarkingServers(MemoryDropServers):
    """Drop servers that give each reader marks of its own, as cursors and dates."""

    stored: list[tuple[float, bytes]] = field(factory=list)
    asked: list[str | None] = field(factory=list)
    torn: bool = False

    async def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
        allowance: Allowance | None = None,
    ) -> FetchResult:
        """Return what arrived from a date on."""
        self.asked.append(since)
        assert allowance is not None
        start = 0 if since is None else (read_date(since.removeprefix("lm:")) or 0)
        newer = [(date, message) for date, message in self.stored if date >= start]
        for date, message in newer:
            allowance.note(SIZE)
            await on_parts([Part(message, http_date(int(date)))])
        if self.torn:
            raise IncompleteResponse("It broke off.")
        mark = f"mark-{len(self.asked)}"
        return FetchResult("new" if newer else "nothing", mark, len(newer), 12345)


@define(eq=False)
class Scene:
    """A person with a shared drop."""

    world: ClockedWorld
    server: MarkingServers = field(factory=MarkingServers)
    pen: PrivateKey = field(factory=PrivateKey.generate)
    bob: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.world.drop_servers = self.server
        self.bob = self.world.run(self.world.core("Bob"))
        drop = DropURL.on_server(SERVER, bits=20)
        self.world.run(self.bob.people.add_identity("Bob", [drop]))
        self.bob.poller.stopService()

    def put(self) -> None:
        """Leave a message that arrives now."""
        message = sealed(self.bob, self.pen, str(len(self.server.stored)))
        self.server.stored.append((self.world.now(), message))

    def read(self, *announced: bytes) -> list[str | None]:
        """Read the drop once, as a push announced some messages; return what was asked for."""
        before = len(self.server.asked)
        self.world.run(self.bob.receiver.read(drop_of(self.bob), map(hash_message, announced)))
        return self.server.asked[before:]

    def pass_time(self, seconds: float) -> None:
        """Have time pass without polling."""
        self.world.clock.rightNow += seconds

    def restart(self) -> None:
        """Close everything and open it again."""
        self.world.run(self.bob.close())
        self.bob = self.world.run(self.world.core("Bob"))
        self.bob.poller.stopService()


@pytest.fixture
def scene(clocked: ClockedWorld) -> Scene:
    """Return one."""
    return Scene(clocked)


def hours(since: str | None) -> float:
    """Return how long before the start of the test the time is that was asked for."""
    moment = read_date((since or "").removeprefix("lm:"))
    assert moment is not None
    assert moment % HOUR == 1  # A second is taken off when it is sent.
    return (EPOCH - moment + 1) / HOUR


def test_the_time_of_the_daemon_is_sent(scene: Scene) -> None:
    """It is that of the last complete reading, less an hour, cut to the hour; no mark is sent."""
    scene.put()
    assert scene.read() == [None]
    for minutes in range(0, 180, 10):
        scene.put()
        since = scene.read()[0]
        assert hours(since) == 1 - max(0, minutes - 10) // 60
        scene.pass_time(600)
    assert scene.bob.inbox.messages == 19


def test_it_lasts_over_a_restart(scene: Scene) -> None:
    """How far it was read is stored once an hour, and nothing is received twice."""
    scene.put()
    scene.read()
    scene.pass_time(3 * HOUR)
    scene.put()
    scene.read()
    scene.restart()
    scene.pass_time(10)
    since, everything = scene.read()
    assert (hours(since), everything) == (-2, None)
    assert scene.bob.inbox.messages == 2


def test_a_response_that_breaks_off_is_not_gone_on_with_by_date(scene: Scene) -> None:
    """The dates of a server may be marks, too."""
    for _ in range(5):
        scene.put()
        scene.pass_time(60)
    scene.read()
    scene.server.torn = True
    for _ in range(4):
        with pytest.raises(Exception, match="broke off"):
            scene.read()
    assert {hours(each) for each in scene.server.asked[1:]} == {1}
    assert scene.bob.inbox.messages == 5


def test_a_clock_that_was_set_back(scene: Scene) -> None:
    """What was read at a time that is still to come is taken for read now."""
    scene.put()
    scene.read()
    drop = scene.bob.drops.known[drop_of(scene.bob)]
    drop.progress.whole += 100 * HOUR
    assert hours(scene.read()[0]) == 1


def test_large_responses_are_read_less_often(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same messages come again for an hour or two: that may take half of the bandwidth."""
    drop = scene.world.run(scene.bob.drops.find(drop_of(scene.bob)))
    drop.traffic._limit = 100 * SIZE
    monkeypatch.setattr(drop_traffic, "LEAST_SHARE", 0)
    for _ in range(20):
        scene.put()
    scene.read()
    asked = 0
    for _ in range(360):
        scene.pass_time(10)
        asked += len(scene.read())
    assert 2 <= asked <= 4
    assert scene.bob.drops.due(drop_of(scene.bob)) == drop.news_from


def test_what_is_announced_before_it_may_be_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers who write all the time do not have everything read again: it comes in its turn."""
    drop = scene.world.run(scene.bob.drops.find(drop_of(scene.bob)))
    drop.traffic._limit = 100 * SIZE
    monkeypatch.setattr(drop_traffic, "LEAST_SHARE", 0)
    for _ in range(10):
        scene.put()
    scene.read()
    asked: list[str | None] = []
    for _ in range(100):
        scene.pass_time(10)
        scene.put()
        asked += scene.read(scene.server.stored[-1][1])
    assert 1 <= len(asked) <= 3
    assert None not in asked
    scene.pass_time(HOUR)
    scene.read()
    assert scene.bob.inbox.messages == 110


def test_what_was_announced_and_cannot_be_found(scene: Scene) -> None:
    """As in other drops, everything is read then."""
    scene.put()
    scene.read()
    scene.pass_time(10)
    lost = sealed(scene.bob, scene.pen, "lost")
    assert [each is None for each in scene.read(lost)] == [False, True]
