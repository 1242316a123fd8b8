"""What is at the URL of a drop server: tried with a new drop, which nobody else knows.

The message that is posted there is random bytes of the usual length, like any other to the server,
and goes when its lifetime is over.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Literal, Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from qabel.contract.types import View
from qabel.drop.transport import MESSAGE_SIZE, VERSION
from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.drop_responses import shows_no_drop_server
from qabel.net.errors import DropServerError, NotAdmitted, NotAllowed, TimedOut

PUSH_TIME = 5.0
"""Seconds in which a push connection has to be open."""

PUSH_INTERVAL = 0.05
"""Seconds between two looks whether it is."""

Found = Literal["drop-server", "closed-group", "other-server", "no-server", "unknown"]
"""What is at a URL. ``closed-group`` is a drop server that wants its group token, and did not get
the right one. ``no-server`` is one that does not respond now, or is out of order; it is
``unknown`` if it may not be asked, or if the caller may not know."""

NO_DROP_SERVER = "There seems to be no drop server at this URL."


class ServerCheckView(View):
    """One thing that was tried with a drop server: ``read``, ``write``, ``cursor`` or ``push``."""

    name: str
    ok: bool
    detail: str


class ProbedListener(Protocol):
    """The part of a push listener that a probe needs."""

    @property
    def connected(self) -> bool:
        """Whether the server reports new messages at present."""

    @property
    def is_offered(self) -> bool:
        """Whether the server offers push, as far as is known."""

    def start(self) -> None:
        """Connect, and stay connected."""

    def stop(self) -> object:
        """Disconnect; may return a Deferred."""


class ProbedNetwork(Protocol):
    """The part of the network that a probe needs: ``qabel.core.network.Network``."""

    def fetch(
        self, url: DropURL, since: str | None, on_parts: Callable[[list[Any]], Any]
    ) -> Awaitable[FetchResult]:
        """Fetch the messages of a drop. Raises DropServerError."""

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Post a message to a drop. Raises DropServerError."""

    def listen(self, url: DropURL, on_news: Callable[[Collection[bytes]], None]) -> ProbedListener:
        """Return the push listener of a drop."""


@frozen
class Probe:
    """What was found at the URL of a drop server."""

    ok: bool
    """Whether it is a drop server that takes messages and returns them."""
    found: Found
    detail: str
    checks: list[ServerCheckView] = field(factory=list)


@frozen
class ServerProbe:
    """Tries a drop server.

    Args:
        network: the access to drop servers.
        clock: measures the time.
        patience: seconds for each exchange.

    """

    _network: ProbedNetwork
    _clock: IReactorTime
    _patience: float

    async def read(self, drop: DropURL) -> Probe:
        """Read a drop, which changes nothing."""
        try:
            await self._in_time(drop, self._network.fetch(drop, None, _ignore))
        except DropServerError as error:
            return _failed(error)
        return Probe(True, "drop-server", "A drop server responded.")

    async def run(self, drop: DropURL) -> Probe:
        """Read a new drop, post a message to it, read that, and open a push connection."""
        first = await self.read(drop)
        if not first.ok:
            return first
        checks = [ServerCheckView("read", True, "A new drop can be read")]
        problem = await self._write(drop, checks)
        if problem is not None:
            return Probe(False, _found_by_writing(problem), problem.detail, checks)
        checks.append(await self._push(drop))
        returned = checks[1]
        detail = first.detail if returned.ok else f"{returned.detail}. {NO_DROP_SERVER}"
        return Probe(returned.ok, "drop-server" if returned.ok else "other-server", detail, checks)

    async def _write(self, drop: DropURL, checks: list[ServerCheckView]) -> DropServerError | None:
        """Post a message and read it again; return why that failed, or None."""
        message = bytes([VERSION]) + secrets.token_bytes(MESSAGE_SIZE - 1)
        returned: list[bytes] = []

        async def take(parts: list[Any]) -> None:
            returned.extend(each.body for each in parts)

        try:
            await self._in_time(drop, self._network.post(drop, message))
            result = await self._in_time(drop, self._network.fetch(drop, None, take))
        except DropServerError as error:
            checks.append(ServerCheckView("write", False, error.detail))
            return error
        if message not in returned:
            detail = "A message was accepted, but cannot be read afterwards"
            checks.append(ServerCheckView("write", False, detail))
            return None
        checks.append(ServerCheckView("write", True, "A message was accepted, and can be read"))
        has_cursor = result.latest is not None
        detail = (
            "Only new messages are transferred"
            if has_cursor
            else "The server sends no cursor: each reading transfers all messages"
        )
        checks.append(ServerCheckView("cursor", has_cursor, detail))
        return None

    async def _push(self, drop: DropURL) -> ServerCheckView:
        """Return whether a push connection can be opened."""
        listener = self._network.listen(drop, lambda _: None)
        end = self._clock.seconds() + PUSH_TIME
        listener.start()
        try:
            while not listener.connected and listener.is_offered and self._clock.seconds() < end:
                await deferLater(self._clock, PUSH_INTERVAL)
            if listener.connected:
                return ServerCheckView("push", True, "Offered: new messages are reported at once")
            if not listener.is_offered:
                return ServerCheckView("push", False, "Not offered: drops are polled instead")
            why = f"No push connection within {PUSH_TIME:.0f} s: drops are polled instead"
            return ServerCheckView("push", False, why)
        finally:
            await maybeDeferred(listener.stop)

    async def _in_time(self, drop: DropURL, work: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await work

        try:
            return await Deferred.fromCoroutine(done()).addTimeout(self._patience, self._clock)
        except DeferredTimeout:
            detail = f"{drop.host} did not respond within {self._patience:.0f} s."
            raise TimedOut(detail) from None


def _failed(error: DropServerError) -> Probe:
    if isinstance(error, NotAllowed):
        return Probe(False, "unknown", error.detail)
    if isinstance(error, NotAdmitted):
        return Probe(False, "closed-group", error.detail)
    if shows_no_drop_server(error):
        return Probe(False, "other-server", f"{error.detail} {NO_DROP_SERVER}")
    return Probe(False, "no-server", error.detail)


def _found_by_writing(error: DropServerError) -> Found:
    return "other-server" if shows_no_drop_server(error) else "drop-server"


async def _ignore(_: list[Any]) -> None:
    """Pass over messages: a new drop has none."""
