"""Long responses, and servers that go back: nothing is lost, and nothing is read for ever."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from attrs import define, field

from qabel.core.receiving import owned_drops
from qabel.core.receiving.drop_traffic import HOUR
from qabel.core.receiving.full_readings import AFTER_NEWS, AFTER_START, Cause
from qabel.core.receiving.poll_errors import ReadFailed
from qabel.core.status.reading import drops_by_server, reading_trouble
from qabel.crypto import PrivateKey
from qabel.drop.dates import http_date, read_date
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import IncompleteResponse, ResponseTooLarge, ServerRefused
from qabel.net.exchange_limits import Allowance, ExchangeLimits
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of, sealed

SECOND = 1_790_000_000
"""The time of the first messages."""

COST = 2149


@define(eq=False)
class DatedServers(MemoryDropServers):
    """Drop servers whose messages have dates, and which go by them; all drops are one."""

    stored: list[tuple[int, bytes]] = field(factory=list)
    """The messages with their dates, in the order in which the server returns them."""
    requests: list[str | None] = field(factory=list)
    sent: int = 0
    torn: Callable[[str | None], int | None] = lambda _: None
    """Returns after how many messages a response tears."""
    base: int = 0
    """What the numbers of cursors begin with."""
    uses_dates: bool = True
    answers: "Callable[[str | None], str | None]" = lambda since: since
    """Returns what a request is taken for."""
    error: Exception | None = None
    """What a request for everything raises."""

    async def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
        allowance: Allowance | None = None,
    ) -> FetchResult:
        """Return what is newer than the cursor or the date, as far as it goes."""
        self.requests.append(since)
        if self.error is not None and since is None:
            raise self.error
        newer = self._newer(self.answers(since))
        assert allowance is not None
        torn = self.torn(since)
        for number, (date, message) in enumerate(newer):
            if torn is not None and number >= torn:
                raise IncompleteResponse("It broke off.")
            if allowance.used + COST > allowance.size:
                raise ResponseTooLarge("It is too large.")
            self.sent += COST
            allowance.note(COST)
            await on_parts([Part(message, http_date(date))])
        if not newer:
            return FetchResult("nothing")
        latest = str(self.base + len(self.stored))
        return FetchResult("new", latest, len(newer), max(each for each, _ in newer))

    def _newer(self, since: str | None) -> list[tuple[int, bytes]]:
        if since is None:
            return list(self.stored)
        if since.startswith("lm:"):
            after = (read_date(since[3:]) or 0) - 1  # as the client sends it
            return [each for each in self.stored if not self.uses_dates or each[0] > after]
        return self.stored[max(0, int(since) - self.base) :]


@define(eq=False)
class Scene:
    """A person whose drop is on such a server."""

    world: ClockedWorld
    server: DatedServers
    options: dict[str, Any]
    bob: Any = field(init=False)
    pen: PrivateKey = field(factory=PrivateKey.generate)
    count: int = 0

    def __attrs_post_init__(self) -> None:
        self.bob = self.world.run(self.world.person("Bob", **self.options))

    def put(self, *dates: int, at: int | None = None) -> None:
        """Leave messages with such dates, after the first one's."""
        for date in dates:
            message = sealed(self.bob, self.pen, str(self.count))
            where = len(self.server.stored) if at is None else at
            self.server.stored.insert(where, (SECOND + date, message))
            self.count += 1

    def read(self) -> list[str | None]:
        """Read the drop once; return what was asked for."""
        before = len(self.server.requests)
        with suppress(ReadFailed):
            self.world.run(self.bob.receiver.read(drop_of(self.bob)))
        return self.server.requests[before:]

    @property
    def heard(self) -> int:
        """How many messages there are, each once."""
        return int(self.bob.inbox.messages)

    @property
    def drop(self) -> Any:
        """What is known of the drop."""
        return self.bob.drops.known[drop_of(self.bob)]

    @property
    def full(self) -> Any:
        """What the status says of the full reading."""
        return self.world.run(self.bob.status()).drop_servers[0]

    def troubles(self) -> str:
        """Return what is wrong."""
        found = reading_trouble(drops_by_server(self.bob.drops.known))
        assert not any(each.unhealthy for each in found)
        return " ".join(each.what for each in found)

    def pass_time(self, seconds: float) -> None:
        """Have time pass without polling."""
        self.world.clock.rightNow += seconds

    def restart(self) -> None:
        """Close everything and open it again."""
        self.world.run(self.bob.close())
        self.bob = self.world.run(self.world.core("Bob", **self.options))
        self.world.clock.advance(0)
        self.bob.poller.stopService()


@pytest.fixture
def make(clocked: ClockedWorld) -> Callable[..., Scene]:
    """Return what makes a scene that is polled when the test says so."""

    def scene(**options: Any) -> Scene:
        server = DatedServers()
        clocked.drop_servers = server
        made = Scene(clocked, server, {"push": False, **options})
        made.bob.poller.stopService()
        del server.requests[:]
        return made

    return scene


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a response have six messages."""
    monkeypatch.setattr(owned_drops, "ExchangeLimits", partial(ExchangeLimits, size=COST * 6))


def test_full_readings_that_tear_do_not_stop_the_cursor(make: Callable[..., Scene]) -> None:
    """While they fail, what is new comes with each reading; they are tried after longer pauses."""
    scene = make()
    scene.put(*[0] * 5)
    scene.read()
    scene.server.torn = lambda since: 2 if since is None else None
    attempts = 0
    for _ in range(40):
        scene.pass_time(HOUR / 4)
        scene.put(10_000)
        attempts += None in scene.read()
        assert scene.heard == scene.count
    assert 2 <= attempts <= 9
    assert "broke off" in scene.full.full_reading.failed
    assert "full" in scene.troubles()
    scene.server.torn = lambda _: None
    for _ in range(2):  # The first may go on after the second that tore again and again.
        scene.pass_time(6 * HOUR)
        scene.read()
    assert scene.full.full_reading.failed is None
    assert scene.troubles() == ""


@pytest.mark.parametrize("status", [500, 504, 404])
def test_a_server_that_refuses_full_readings(make: Callable[..., Scene], status: int) -> None:
    """The cursor goes on also where everything is too much to ask for."""
    scene = make()
    scene.put(0)
    scene.read()
    scene.server.error = ServerRefused("No.", status=status)
    scene.pass_time(HOUR)
    scene.put(1)
    scene.read()
    assert scene.heard == 2


@pytest.mark.parametrize("per_second", [1, 3])
def test_a_first_reading_that_tears_goes_on(make: Callable[..., Scene], per_second: int) -> None:
    """It goes on at the second of the last message that came whole, and comes to the end."""
    scene = make()
    scene.put(*[number // per_second for number in range(30)])
    scene.server.torn = lambda _: 2 * per_second + 2
    for _ in range(30):
        scene.read()
    assert scene.heard == 30
    assert scene.server.requests[0] is None
    assert None not in scene.server.requests[1:]
    assert scene.server.sent <= COST * 30 * 4


def test_a_large_drop_is_read_in_parts_over_hours(make: Callable[..., Scene]) -> None:
    """A drop with more than an hour's bandwidth takes no more an hour, also over restarts."""
    scene = make(drop_bandwidth=COST * 16)
    scene.put(*range(40))
    for hour in range(5):
        before = scene.server.sent
        for _ in range(5):
            scene.read()
            if hour < 2:
                scene.restart()
        assert scene.server.sent - before <= COST * 16
        if hour < 1:
            assert "bandwidth" in scene.troubles()
        scene.pass_time(1.2 * HOUR)
    assert scene.heard == 40
    assert scene.drop.cursor == "40"


def test_a_second_that_holds_more_than_is_allowed(make: Callable[..., Scene]) -> None:
    """It is read as a whole, after waiting for as many hours as that takes."""
    scene = make(drop_bandwidth=COST * 8)
    scene.put(0, 1, *[2] * 30, 3, 4)
    for _ in range(60):
        scene.read()
        scene.pass_time(HOUR / 2)
    assert scene.heard == 34
    assert scene.server.sent <= COST * 8 * 31


def test_a_second_that_always_tears(make: Callable[..., Scene]) -> None:
    """What comes after it is read, and it is said that something is missing."""
    scene = make()
    scene.put(0, 1, *[2] * 30, 3, 4)
    scene.server.torn = lambda _: 8
    for _ in range(20):
        scene.read()
    assert scene.heard >= 9
    assert scene.drop.cursor == "34"
    assert "same second" in scene.full.full_reading.failed
    scene.server.torn = lambda _: None
    scene.pass_time(HOUR * 6)
    scene.read()
    assert scene.heard == 34


@pytest.mark.parametrize(
    "dates",
    [
        list(reversed(range(20))),
        [0, 1, 2, 3, 9, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7],
        [0, 50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    ],
)
def test_dates_in_disorder(
    make: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch, dates: list[int]
) -> None:
    """A server that does not sort by date is read from the start, until it comes whole."""
    scene = make()
    scene.put(*dates)
    for _ in range(12):
        scene.read()
    assert scene.heard == 20


def test_a_server_that_has_other_dates(
    make: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the date that is asked for is not the date that was told, nothing is skipped."""
    scene = make()
    scene.put(*range(20))
    late = f"lm:{http_date(2**31)}"
    scene.server.answers = lambda since: late if since and since.startswith("lm:") else since
    for _ in range(12):
        scene.read()
    assert scene.heard == 20


def test_a_server_that_ignores_dates(
    make: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that returns everything is read as a whole in the end."""
    scene = make()
    scene.server.uses_dates = False
    scene.put(*range(20))
    for _ in range(12):
        scene.read()
    assert scene.heard == 20


def test_much_that_is_new(make: Callable[..., Scene], small: None) -> None:
    """Also what is new since the cursor may be too much for one response."""
    scene = make()
    scene.put(0)
    scene.read()
    scene.put(*range(1, 30))
    for _ in range(8):
        scene.read()
    assert scene.heard == 30
    assert scene.drop.cursor == "30"
    assert scene.read() == ["30"]


def test_a_server_that_goes_back(make: Callable[..., Scene]) -> None:
    """What the cursor does not show comes with ``no-cache``, once in ten minutes."""
    scene = make()
    scene.put(*range(10))
    scene.read()
    del scene.server.stored[5:]
    scene.put(20, 21, 22)
    assert scene.read() == ["10"]
    assert scene.heard == 10
    scene.bob.drops.ask(drop_of(scene.bob), Cause.READER)
    assert scene.read() == ["10", None]
    assert scene.heard == 13
    assert scene.drop.cursor == "8"
    assert scene.full.went_back is not None
    assert "fewer messages" in scene.troubles()
    scene.bob.drops.ask(drop_of(scene.bob), Cause.READER)
    assert scene.read() == ["8"]
    scene.pass_time(AFTER_NEWS + 1)
    scene.read()
    assert scene.troubles() == ""


def test_a_start_reads_in_full(make: Callable[..., Scene]) -> None:
    """A start has every drop read in full, once in six hours."""
    scene = make()
    scene.put(*range(10))
    scene.read()
    for pause, asked in ((60, ["10", None]), (60, ["10"]), (AFTER_START, ["10", None])):
        scene.pass_time(pause)
        del scene.server.requests[:]
        scene.restart()
        assert scene.server.requests == asked


def test_a_cursor_that_shrinks(make: Callable[..., Scene]) -> None:
    """A lower cursor in a response has the drop read in full at once."""
    scene = make()
    scene.put(*range(10))
    scene.read()
    del scene.server.stored[5:]
    scene.server.answers = lambda _: None
    scene.put(20)
    assert scene.read() == ["10", None]
    assert scene.heard == 11
    assert scene.full.went_back is not None


def test_full_readings_that_find_nothing(make: Callable[..., Scene]) -> None:
    """They are done less and less often, up to once a day, until one finds something."""
    scene = make()
    scene.put(*range(10))
    scene.read()
    readings = []
    for hour in range(100):
        scene.pass_time(HOUR)
        scene.put(5000 + hour)
        if None in scene.read():
            readings.append(hour + 1)
    assert readings == [1, 3, 7, 15, 31, 55, 79]
    scene.restart()
    scene.read()
    scene.put(3, at=0)
    scene.server.base -= 1
    scene.pass_time(25 * HOUR)
    scene.read()
    assert scene.heard == scene.count
    scene.pass_time(HOUR)
    assert None in scene.read()


def test_a_push_that_the_cursor_does_not_show(make: Callable[..., Scene]) -> None:
    """It has the drop read in full; one that the cursor shows, or that is known, does not."""
    scene = make()
    scene.put(*range(10))
    scene.read()

    def announced(message: bytes) -> list[str | None]:
        before = len(scene.server.requests)
        hashes = [hash_message(message)]
        scene.world.run(scene.bob.receiver.read(drop_of(scene.bob), hashes))
        return scene.server.requests[before:]

    scene.put(11)
    assert announced(scene.server.stored[-1][1]) == ["10"]
    assert announced(scene.server.stored[0][1]) == ["11"]
    del scene.server.stored[5:]
    scene.put(20)
    assert announced(scene.server.stored[-1][1]) == ["11", None]
    assert scene.heard == 12
    assert announced(b"never there") == ["6"]
    scene.pass_time(AFTER_NEWS)
    assert scene.read() == ["6", None]
