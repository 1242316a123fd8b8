"""Drop servers in memory: what a core needs of the network, without one."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.drop.multipart import Part
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, IncompleteResponse, ServerRefused

DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
"""When every message came, as these servers say it."""

BATCH = 3
"""Messages handed over at a time."""


@define(eq=False)
class MemoryListener:
    """Listens to one drop in memory."""

    _servers: "MemoryDropServers"
    _drop: str
    on_news: Callable[[], None]
    connected: bool = field(default=False, init=False)

    def start(self) -> None:
        """Hear of what comes from now on."""
        self.connected = True
        self._servers.listeners[self._drop].append(self)
        self.on_news()

    def stop(self) -> None:
        """Hear no more."""
        if self.connected:
            self.connected = False
            self._servers.listeners[self._drop].remove(self)


@define(eq=False)
class MemoryDropServers:
    """All drop servers there are: the ``network`` of ``CoreService.open``, of one core or several.

    What may be wrong with servers can be set, and holds from then on for all of them.
    """

    messages: dict[str, list[bytes]] = field(factory=lambda: defaultdict(list))
    """What lies in each drop, by its URL, oldest first."""
    is_away: bool = False
    """Whether nobody answers."""
    is_refusing: bool = False
    """Whether messages are refused, for good."""
    hanging: "Deferred[None] | None" = None
    """What each fetch waits for, if anything."""
    torn_after: int | None = None
    """After how many messages an answer breaks off."""
    has_cursors: bool = True
    """Whether an answer says how to go on from it; without, all messages come each time."""
    posted: list[tuple[str, bytes]] = field(factory=list)
    """All that was posted: drop URL and message."""
    fetched: list[str | None] = field(factory=list)
    """The cursor that came with each fetch."""
    listeners: dict[str, list[MemoryListener]] = field(factory=lambda: defaultdict(list))

    async def fetch(
        self, url: DropURL, since: str | None, on_parts: Callable[[list[Part]], Awaitable[None]]
    ) -> FetchResult:
        """Hand over what is newer than a cursor. Raises DropServerError."""
        self._answer()
        if self.hanging is not None:
            await self.hanging
        self.fetched.append(since)
        lying = self.messages.get(str(url), [])
        newer = lying[int(since or 0) :][: self.torn_after]
        for start in range(0, len(newer), BATCH):
            await on_parts([Part(each, DATE) for each in newer[start : start + BATCH]])
        if self.torn_after is not None:
            raise IncompleteResponse(
                "The server closed the connection in the middle of its response."
            )
        latest = str(len(lying)) if self.has_cursors else None
        return FetchResult("new", latest, len(newer)) if newer else FetchResult("nothing")

    async def post(self, url: DropURL, message: bytes) -> None:
        """Leave a message in a drop. Raises DropServerError."""
        self._answer()
        if self.is_refusing:
            raise ServerRefused("The server answered with status 400.", status=400, permanent=True)
        self.posted.append((str(url), message))
        self.messages[str(url)].append(message)
        for listener in list(self.listeners[str(url)]):
            listener.on_news()

    def listen(self, url: DropURL, on_news: Callable[[], None]) -> MemoryListener:
        """Return a push listener of a drop."""
        return MemoryListener(self, str(url), on_news)

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _answer(self) -> None:
        if self.is_away:
            raise ConnectFailed("Connecting to drop.example failed: connection refused.")
