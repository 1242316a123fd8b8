"""What reading drops shows of their servers: whether they work, and whether there is one at all."""

from collections.abc import Awaitable, Callable, Collection, Iterable

from attrs import define, field

from qabel.core.receiving.poller import ReadFailed
from qabel.drop.url import DropURL


@define(eq=False)
class _Server:
    """One drop server, by what was read last from each drop on it."""

    failing: dict[DropURL, str | None] = field(factory=dict)
    """The drops that failed since anything was read from the server.

    Each with how that showed that no drop server is there; None if it did not show that.
    """
    odd: set[DropURL] = field(factory=set)
    """Drops that failed while others of the server could be read: they say nothing about it."""


@define(eq=False)
class ServerPresence:
    """Passes readings on, and notes what they show.

    Args:
        read: reads a drop, as ``Receiver.read``.
        on_success: is called with the URL of a server that was read from, and whether it had failed
            before.

    """

    _read: Callable[[DropURL, Collection[bytes]], Awaitable[None]]
    on_success: Callable[[str, bool], object]
    _servers: dict[str, _Server] = field(factory=dict, init=False)

    async def read(self, url: DropURL, announced: Collection[bytes] = ()) -> None:
        """Read a drop, in which such messages should be. Raises ReadFailed."""
        try:
            await self._read(url, announced)
        except ReadFailed as failed:
            self._failed(url, failed)
            raise
        self._succeeded(url)

    def no_drop_server(self, server: str) -> str | None:
        """Return how readings showed that no drop server is at a URL, or None.

        It holds until a drop of the server is read successfully; that it cannot be reached in
        between changes nothing.
        """
        found = self._servers.get(server)
        shown = () if found is None else found.failing.values()
        return next((each for each in shown if each is not None), None)

    def set_drops(self, drops: Iterable[DropURL]) -> None:
        """Forget what was noted of drops that are not read any more."""
        kept = set(drops)
        for each in self._servers.values():
            each.failing = {url: shown for url, shown in each.failing.items() if url in kept}
            each.odd &= kept

    def _failed(self, url: DropURL, failed: ReadFailed) -> None:
        server = self._servers.setdefault(url.server, _Server())
        if url in server.odd:
            return
        shown = str(failed) if failed.shows_no_drop_server else server.failing.get(url)
        server.failing[url] = shown

    def _succeeded(self, url: DropURL) -> None:
        server = self._servers.setdefault(url.server, _Server())
        had_failed = bool(server.failing)
        server.odd |= server.failing.keys()
        server.odd.discard(url)
        server.failing.clear()
        self.on_success(url.server, had_failed)
