"""How many postings there are at the same time, and who is next."""

from collections.abc import Callable

from attrs import define, field

from qabel.core.random_delays import Draw, exponential
from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.timers import Timers

AT_ONCE = 128
"""How many messages are posted at the same time at most."""

AT_ONCE_TO_SERVER = 16
"""How many of them to one server at most."""

SHARE = 4
"""How many of them to one server if only the reserve is left."""

RESERVE = 32
"""How many of them are kept for servers that have few: some that hang do not hold up the others."""

PAUSE = 0.25
"""Seconds that a slot remains empty on average while others wait for one."""


@define(eq=False)
class PostingSlots:
    """Limits the sockets and the memory that posting takes.

    A queue that has to wait does not start in the moment when another one ends, as a server could
    see by that who is on the same daemon. Which one starts is drawn: first the server, so that many
    messages to one server do not hold up those to another.
    """

    _timers: Timers
    _granted: Callable[[SendQueue], None]
    """Called with a queue that waited when it gets a slot."""
    _draw: Draw
    _running: dict[str, int] = field(factory=dict, init=False)
    """How many slots each server has."""
    _total: int = field(default=0, init=False)
    _in_line: dict[str, list[SendQueue]] = field(factory=dict, init=False)

    def take(self, queue: SendQueue) -> bool:
        """Take a slot, and return True; or else wait for one, and return False."""
        server = queue.server
        if server not in self._in_line and self._is_free(server):
            self._occupy(server)
            return True
        queue.is_in_line = True
        self._in_line.setdefault(server, []).append(queue)
        return False

    def give_back(self, server: str) -> None:
        """Return a slot; who waits for it gets it after a random pause."""
        if self._in_line:
            self._timers.call_later(exponential(PAUSE, self._draw), self._release, server)
        else:
            self._release(server)

    def clear(self) -> None:
        """Forget who waits."""
        self._in_line.clear()

    def _is_free(self, server: str) -> bool:
        own = self._running.get(server, 0)
        if self._total < AT_ONCE - RESERVE:
            return own < AT_ONCE_TO_SERVER
        return self._total < AT_ONCE and own < SHARE

    def _occupy(self, server: str) -> None:
        self._running[server] = self._running.get(server, 0) + 1
        self._total += 1

    def _release(self, server: str) -> None:
        self._total -= 1
        self._running[server] -= 1
        if not self._running[server]:
            del self._running[server]
        while free := [each for each in self._in_line if self._is_free(each)]:
            self._grant(free[self._pick(free)])

    def _grant(self, server: str) -> None:
        line = self._in_line[server]
        # The last one moves to the place of the one that leaves.
        number = self._pick(line)
        line[number], line[-1] = line[-1], line[number]
        queue = line.pop()
        if not line:
            del self._in_line[server]
        queue.is_in_line = False
        self._occupy(server)
        self._granted(queue)

    def _pick(self, of: "list[str] | list[SendQueue]") -> int:
        return int(self._draw() * len(of))
