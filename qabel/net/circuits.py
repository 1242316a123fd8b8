"""A queue for opening connections through a proxy: few at once, and no server delays the others."""

from collections import Counter, OrderedDict, deque

import attrs
from twisted.internet.defer import Deferred, succeed

AT_ONCE = 16
"""Connections that are being opened at once."""

TO_ONE_SERVER = 8
"""Of these, those to one server: one that does not respond leaves half of them to the others."""


@attrs.define(eq=False, repr=False)
class CircuitQueue:
    """Lets connections be opened in turn: servers one after another, those of one as they came."""

    _opening: Counter[str] = attrs.field(factory=Counter, init=False)
    _waiting: "OrderedDict[str, deque[Deferred[None]]]" = attrs.field(
        factory=OrderedDict, init=False
    )

    def acquire(self, server: str) -> "Deferred[None]":
        """Wait for the permission to open a connection to a server; cancelling leaves the queue.

        Each permission must be released.
        """
        if server not in self._waiting and self._is_free(server):
            self._opening[server] += 1
            return succeed(None)
        turn: Deferred[None] = Deferred(lambda gone: self._leave(server, gone))
        self._waiting.setdefault(server, deque()).append(turn)
        return turn

    def release(self, server: str) -> None:
        """Return a permission, and pass it on."""
        self._opening[server] -= 1
        if not self._opening[server]:
            del self._opening[server]
        for each in list(self._waiting):
            if self._is_free(each):
                self._pass_on(each)
                return

    def _is_free(self, server: str) -> bool:
        return self._opening.total() < AT_ONCE and self._opening[server] < TO_ONE_SERVER

    def _pass_on(self, server: str) -> None:
        queue = self._waiting.pop(server)
        turn = queue.popleft()
        if queue:
            self._waiting[server] = queue
        self._opening[server] += 1
        turn.callback(None)

    def _leave(self, server: str, gone: "Deferred[None]") -> None:
        queue = self._waiting[server]
        queue.remove(gone)
        if not queue:
            del self._waiting[server]
