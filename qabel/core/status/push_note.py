"""Which drop servers offer no push: no trouble, but messages come later from them."""

from collections.abc import Callable, Mapping

from attrs import define, field
from twisted.logger import Logger

from qabel.core.receiving.push_watch import ServerPush
from qabel.core.status.durations import interval_text


@define(eq=False)
class PushNote:
    """Logs once that a server offers no push, and once when it offers it again.

    Args:
        push: returns the push connections, by server.
        interval: returns the seconds between two polls.

    """

    _push: Callable[[], Mapping[str, ServerPush]]
    _interval: Callable[[], float]
    _without: frozenset[str] = field(default=frozenset(), init=False)

    _log = Logger()

    async def look(self) -> None:
        """Log what has changed."""
        push = self._push()
        without = frozenset(server for server, state in push.items() if not state.is_offered)
        for server in sorted(without - self._without):
            self._log.info(
                "{server} does not offer push: it is polled every {interval}.",
                server=server,
                interval=interval_text(self._interval()),
                log_subject=server,
            )
        for server in sorted(self._without - without):
            if server in push:
                self._log.info("{server} offers push now.", server=server, log_subject=server)
        self._without = without
