"""Drop servers in memory, as a core's network."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection

from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.deferreds import when_done
from qabel.drop.multipart import Part
from qabel.drop.transport import hash_message
from qabel.drop.url import DROP_ID_BITS, DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, IncompleteResponse, ServerRefused
from qabel.net.exchange_limits import Allowance

DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
"""When every message arrived, as these servers state it."""

BATCH = 3
"""Messages passed on at a time."""


@define(eq=False)
class MemoryListener:
    """A push listener of one drop in memory."""

    _servers: "MemoryDropServers"
    _drop: str
    on_news: Callable[[Collection[bytes]], None]
    """Called at each new message, with its hash."""
    on_lost: Callable[[], object] = field(default=lambda: None, init=False)
    """Called when new messages are not reported any more."""
    _started: bool = field(default=False, init=False)

    @property
    def connected(self) -> bool:
        """Whether new messages are reported now."""
        return self._started and not self._servers.is_away

    @property
    def is_offered(self) -> bool:
        """Whether the server offers push: always."""
        return True

    @property
    def problem(self) -> str | None:
        """Why connecting fails again and again; None if it does not."""
        refused = "Connecting to drop.example failed: connection refused."
        return refused if self._started and self._servers.is_away else None

    def start(self) -> None:
        """Report new messages from now on; the first report is at once."""
        if self._started:
            return
        self._started = True
        self._servers.listeners[self._drop].append(self)
        if self.connected:
            self.on_news(())

    @property
    def heard(self) -> float | None:
        """Nothing: there is no connection."""
        return None

    def stop(self) -> None:
        """Stop reporting."""
        if self._started:
            self._started = False
            self._servers.listeners[self._drop].remove(self)


@define(eq=False)
class MemoryDropServers:
    """All drop servers, in memory: the ``network`` of ``CoreService.open``, of any cores.

    The failures that can be set apply to all servers, from then on.
    """

    messages: dict[str, list[bytes]] = field(factory=lambda: defaultdict(list))
    """The messages in each drop, by its URL, oldest first."""
    is_away: bool = False
    """Whether connections are refused."""
    away: set[str] = field(factory=set)
    """The URLs of servers to which posting fails, though others are not away."""
    is_refusing: bool = False
    """Whether posted messages are refused for good."""
    hanging: "Deferred[None] | None" = None
    """A Deferred that each fetch, and question, waits for, or None."""
    torn_after: int | None = None
    """After how many messages a response breaks off; None for complete responses."""
    has_cursors: bool = True
    """Whether responses have a cursor; without one, every fetch returns all messages."""
    bits: int = DROP_ID_BITS
    """How many random bits they ask for in the ids of new drops."""
    posted: list[tuple[str, bytes]] = field(factory=list)
    """All posted messages, each with its drop URL."""
    fetched: list[str | None] = field(factory=list)
    """The cursor of each fetch."""
    listeners: dict[str, list[MemoryListener]] = field(factory=lambda: defaultdict(list))
    """The started push listeners of each drop, by its URL."""

    async def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
        allowance: Allowance | None = None,
    ) -> FetchResult:
        """Pass the messages newer than a cursor to ``on_parts``. Raises DropServerError."""
        self._answer()
        if self.hanging is not None:
            await when_done(self.hanging)
        self.fetched.append(since)
        lying = self.messages.get(str(url), [])
        newer = lying[int(since or 0) :][: self.torn_after]
        for start in range(0, len(newer), BATCH):
            await on_parts([Part(each, DATE) for each in newer[start : start + BATCH]])
        if self.torn_after is not None:
            raise IncompleteResponse("The server broke off in the middle of its response.")
        latest = str(len(lying)) if self.has_cursors else None
        return FetchResult("new", latest, len(newer)) if newer else FetchResult("nothing")

    async def post(self, url: DropURL, message: bytes) -> None:
        """Post a message to a drop. Raises DropServerError."""
        self._answer()
        if url.server in self.away:
            raise ConnectFailed(f"Connecting to {url.host} failed: connection refused.")
        if self.is_refusing:
            raise ServerRefused(
                "The server rejected the request with status 400.", status=400, permanent=True
            )
        self.posted.append((str(url), message))
        self.messages[str(url)].append(message)
        for listener in list(self.listeners[str(url)]):
            listener.on_news([hash_message(message)])

    def listen(self, url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> MemoryListener:
        """Return a push listener of a drop, which calls ``on_news`` at each new message."""
        return MemoryListener(self, str(url), on_news)

    async def drop_id_bits(self, server: str, owner: bytes) -> int:
        """Return how many random bits new drop ids are to have. Raises DropServerError."""
        self._answer()
        if self.hanging is not None:
            await when_done(self.hanging)
        return self.bits

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _answer(self) -> None:
        if self.is_away:
            raise ConnectFailed("Connecting to drop.example failed: connection refused.")
